package dev.sparkswitch.corpus;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Made-up English-like text for tests: as much as is asked for, always the same. */
public final class SampleText {
    private static final String[] SUBJECTS = {
        "the president",
        "a member of parliament",
        "the council",
        "my colleague",
        "the commission",
        "every citizen",
        "the rapporteur",
        "this house",
        "an old fisherman",
        "the minister"
    };
    private static final String[] VERBS = {
        "has approved",
        "will reject",
        "is considering",
        "supported",
        "wanted to amend",
        "discussed",
        "cannot accept",
        "welcomes",
        "should publish",
        "never read"
    };
    private static final String[] OBJECTS = {
        "the report",
        "a new directive on fisheries",
        "the budget for research",
        "an agreement with the neighbours",
        "the proposal",
        "the rights of consumers",
        "a common policy",
        "the amendments",
        "the opening of the market"
    };
    private static final String[] PLACES = {
        "in Brussels",
        "today",
        "without delay",
        "after a long debate",
        "in the interest of Europe",
        "once more",
        "with great care",
        "on behalf of the group"
    };

    private static final String[] SYLLABLES = {
        "ba", "con", "der", "fi", "gor", "hel", "in", "ka", "lo", "men", "nor", "os", "per", "ri", "sta", "tur", "vel"
    };

    private SampleText() {}

    /** Documents of 5 to 20 sentences, one line each. */
    public static List<String> documents(int count, long seed) {
        Random random = new Random(seed);
        List<String> documents = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            StringBuilder text = new StringBuilder();
            int sentences = 5 + random.nextInt(16);
            for (int sentence = 0; sentence < sentences; sentence++) {
                if (sentence > 0) {
                    text.append(' ');
                }
                text.append(sentence(random));
            }
            documents.add(text.toString());
        }
        return documents;
    }

    private static String sentence(Random random) {
        String words = pick(SUBJECTS, random) + " " + name(random) + " " + pick(VERBS, random) + " "
                + pick(OBJECTS, random) + " " + name(random) + " " + pick(PLACES, random) + ".";
        return Character.toUpperCase(words.charAt(0)) + words.substring(1);
    }

    /** A name of two or three syllables, so that there is more to learn than whole words. */
    private static String name(Random random) {
        String name = pick(SYLLABLES, random) + pick(SYLLABLES, random) + (random.nextBoolean() ? "" : "sson");
        return Character.toUpperCase(name.charAt(0)) + name.substring(1);
    }

    private static String pick(String[] choices, Random random) {
        return choices[random.nextInt(choices.length)];
    }
}
