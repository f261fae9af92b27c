package dev.sparkswitch.corpus;

/** The two parts of a corpus: what is trained on, and what is only scored. */
enum Split {
    TRAIN("train"),
    HELD_OUT("heldout");

    private final String text;

    Split(String text) {
        this.text = text;
    }

    /** Its name in the corpus's column and as a folder. */
    String text() {
        return text;
    }
}
