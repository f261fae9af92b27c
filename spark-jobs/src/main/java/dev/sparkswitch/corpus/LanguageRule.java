package dev.sparkswitch.corpus;

import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.base.UserException;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Locale;
import java.util.MissingResourceException;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import opennlp.tools.langdetect.Language;
import opennlp.tools.langdetect.LanguageDetectorME;
import opennlp.tools.langdetect.LanguageDetectorModel;

/**
 * Keeps documents whose language, as OpenNLP identifies it from their first characters, is wanted and sure enough.
 *
 * @param keep languages in ISO 639-3
 * @param probability what the language must have at least
 * @param prefix characters that are looked at
 */
record LanguageRule(Set<String> keep, double probability, int prefix) implements Rule {
    private static final String MODEL = "langdetect-183.bin";

    /** The model is read-only and shared; a detector is not safe for several threads, so each has one. */
    private static final class Holder {
        private static final LanguageDetectorModel MODEL = load();
        private static final ThreadLocal<LanguageDetectorME> DETECTOR =
                ThreadLocal.withInitial(() -> new LanguageDetectorME(MODEL));
    }

    private static LanguageDetectorModel load() {
        try (InputStream in = LanguageRule.class.getClassLoader().getResourceAsStream(MODEL)) {
            if (in == null) {
                throw new ResourceException("The language model " + MODEL
                        + " is not on the class path; add the artifact org.apache.opennlp:opennlp-models-langdetect.");
            }
            return new LanguageDetectorModel(in);
        } catch (IOException e) {
            throw new ResourceException(
                    "The language model " + MODEL + " cannot be read (" + e.getMessage() + "); build again.", e);
        }
    }

    /**
     * A rule for the settings.
     *
     * @param languages that stay, in two letters or three
     * @param probability what the language must have at least
     */
    static LanguageRule of(List<String> languages, double probability, int prefix) {
        Set<String> codes = languages.stream().map(LanguageRule::code).collect(Collectors.toUnmodifiableSet());
        return new LanguageRule(codes, probability, prefix);
    }

    private static String code(String language) {
        try {
            String code = Locale.forLanguageTag(language).getISO3Language();
            if (!code.isEmpty()) {
                return code;
            }
        } catch (MissingResourceException e) {
            // Falls through to the same error.
        }
        throw new UserException("'" + language + "' in language.keep is no language code; give one such as en or eng.");
    }

    @Override
    public List<String> counters() {
        return List.of("dropped-other-language", "dropped-unsure-language");
    }

    @Override
    public Optional<Document> apply(Document document, Tally tally) {
        String text = document.text();
        Language best = Holder.DETECTOR.get().predictLanguage(text.substring(0, Math.min(prefix, text.length())));
        tally.identified(best.getLang());
        if (!keep.contains(best.getLang())) {
            tally.count("dropped-other-language");
            return Optional.empty();
        }
        if (best.getConfidence() < probability) {
            tally.count("dropped-unsure-language");
            return Optional.empty();
        }
        return Optional.of(new Document(text, best.getLang()));
    }
}
