package dev.sparkswitch.corpus;

import dev.sparkswitch.corpus.PrepareConfig.PersonalData;
import dev.sparkswitch.corpus.PrepareConfig.Preset;
import dev.sparkswitch.corpus.PrepareConfig.Step;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/** The passes that configured steps make: rules that follow each other run in one, and removing duplicates ends one. */
final class Pipeline {
    private final PrepareConfig config;
    private final PrepareConfig.Rules rules;
    private final List<String> badWords;

    private Pipeline(PrepareConfig config, List<String> badWords) {
        this.config = config;
        this.rules = config.rules();
        this.badWords = badWords;
    }

    /**
     * The passes, at least one.
     *
     * @param badWords all of them
     * @param contamination the rules of the step that keeps evaluation sets out
     */
    static List<Pass> of(PrepareConfig config, List<String> badWords, List<Rule> contamination) {
        return new Pipeline(config, badWords).passes(contamination);
    }

    /** The steps that run, in their order. */
    static List<Step> steps(PrepareConfig config) {
        List<Step> steps = new ArrayList<>(config.steps().orElseGet(() -> switch (config.preset()) {
            case C4 ->
                List.of(Step.LENGTH, Step.UNIQUE_URLS, Step.C4_LINES, Step.UNIQUE_LINES, Step.SENTENCES, Step.LANGUAGE);
            case FINEWEB ->
                List.of(
                        Step.LANGUAGE,
                        Step.GOPHER_REPETITION,
                        Step.GOPHER_QUALITY,
                        Step.C4_LINES,
                        Step.FINEWEB_QUALITY,
                        Step.UNIQUE_TEXTS,
                        Step.NEAR_DUPLICATES);
            case LIGHT -> List.of(Step.MARKUP, Step.LENGTH, Step.LANGUAGE, Step.UNIQUE_TEXTS);
            case NONE -> List.of(Step.LENGTH, Step.LANGUAGE);
        }));
        if (!masked(config).isEmpty() && !steps.contains(Step.PERSONAL_DATA)) {
            steps.add(Step.PERSONAL_DATA);
        }
        boolean near = config.nearDuplicates().remove().orElse(steps.contains(Step.NEAR_DUPLICATES));
        if (near && !steps.contains(Step.NEAR_DUPLICATES)) {
            steps.add(Step.NEAR_DUPLICATES);
        }
        if (!steps.contains(Step.DECONTAMINATE)) {
            // Before: a document that goes here must not have taken others with it that are clean.
            int place = steps.indexOf(Step.NEAR_DUPLICATES);
            steps.add(place < 0 ? steps.size() : place, Step.DECONTAMINATE);
        }
        steps.removeIf(step -> switch (step) {
            case LANGUAGE -> languages(config).isEmpty();
            case PERSONAL_DATA -> masked(config).isEmpty();
            case UNIQUE_URLS -> !config.input().hasUrls();
            case DECONTAMINATE -> config.decontaminate().sets().isEmpty();
            case NEAR_DUPLICATES -> !near;
            case MARKUP,
                    LENGTH,
                    C4_LINES,
                    SENTENCES,
                    GOPHER_REPETITION,
                    GOPHER_QUALITY,
                    FINEWEB_QUALITY,
                    UNIQUE_LINES,
                    UNIQUE_TEXTS -> false;
        });
        return steps;
    }

    private List<Pass> passes(List<Rule> contamination) {
        List<Pass> passes = new ArrayList<>();
        List<Rule> open = new ArrayList<>();
        for (Step step : steps(config)) {
            switch (step) {
                case UNIQUE_URLS -> passes.add(pass(passes, open, Pass.Unique.URL));
                case UNIQUE_LINES -> passes.add(pass(passes, open, Pass.Unique.LINE));
                case UNIQUE_TEXTS -> passes.add(pass(passes, open, Pass.Unique.TEXT));
                case NEAR_DUPLICATES -> passes.add(pass(passes, open, Pass.Unique.NEAR));
                case DECONTAMINATE -> open.addAll(contamination);
                case MARKUP -> open.add(new MarkupRule());
                case LENGTH -> open.add(length());
                case LANGUAGE -> open.add(language());
                case C4_LINES -> open.add(lines());
                case SENTENCES -> open.add(new SentenceRule(sentences()));
                case GOPHER_REPETITION -> open.add(new GopherRepetitionRule(rules.gopherRepetition()));
                case GOPHER_QUALITY -> open.add(new GopherQualityRule(rules.gopherQuality()));
                case FINEWEB_QUALITY -> open.add(new FineWebQualityRule(rules.finewebQuality()));
                case PERSONAL_DATA -> open.add(new PersonalDataRule(masked(config)));
            }
        }
        passes.add(pass(passes, open, Pass.Unique.NOTHING));
        return passes;
    }

    private static Pass pass(List<Pass> before, List<Rule> open, Pass.Unique unique) {
        Pass pass = new Pass(before.isEmpty() ? "clean" : "clean " + (before.size() + 1), open, unique);
        open.clear();
        return pass;
    }

    private boolean isFineWeb() {
        return config.preset() == Preset.FINEWEB;
    }

    private LengthRule length() {
        int least = 0;
        int most = Integer.MAX_VALUE;
        switch (config.preset()) {
            case C4 -> most = 190_000;
            case LIGHT -> {
                least = 100;
                most = 1_000_000;
            }
            case FINEWEB, NONE -> {}
        }
        return new LengthRule(
                rules.minCharacters().orElse(least), rules.maxCharacters().orElse(most));
    }

    private C4Lines lines() {
        return new C4Lines(
                rules.maxWordCharacters().orElse(1000),
                rules.minLineWords().orElse(isFineWeb() ? 3 : 5),
                sentences(),
                rules.endMarks().orElse(!isFineWeb()) ? C4Lines.EndMark.REQUIRED : C4Lines.EndMark.ANY,
                new BadWords(badWords));
    }

    private int sentences() {
        return rules.minSentences().orElse(isFineWeb() ? 5 : 3);
    }

    private LanguageRule language() {
        return LanguageRule.of(
                languages(config),
                config.language().probability().orElse(isFineWeb() ? 0.65 : 0.99),
                config.language().prefix());
    }

    private static List<String> languages(PrepareConfig config) {
        return config.language().keep().orElseGet(() -> switch (config.preset()) {
            case C4, FINEWEB -> List.of("en");
            case LIGHT, NONE -> List.of();
        });
    }

    private static Set<PersonalData> masked(PrepareConfig config) {
        List<PersonalData> masked = config.mask().orElseGet(() -> switch (config.preset()) {
            case FINEWEB -> List.of(PersonalData.MAIL, PersonalData.IP);
            case C4, LIGHT, NONE -> List.of();
        });
        return masked.isEmpty() ? EnumSet.noneOf(PersonalData.class) : EnumSet.copyOf(masked);
    }
}
