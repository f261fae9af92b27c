package dev.sparkswitch.generate;

/** When a beam search that has as many finished hypotheses as beams ends; named as in Hugging Face's transformers. */
public enum EarlyStopping {
    /** Once the best running beam, scored at its present length, is no better than the worst finished hypothesis. */
    FALSE,
    /** At once. */
    TRUE,
    /**
     * Once no running beam can become better than the worst finished hypothesis: with a positive length penalty it is scored at
     * the greatest length.
     */
    NEVER
}
