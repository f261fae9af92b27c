package dev.sparkswitch.arrow;

/** Whether a row holds one example or several. */
public enum Packing {
    /** One example a row; segments and positions follow from the padding. */
    NONE,
    /** Several examples a row, told apart by stored segment ids (1, 2, ...; 0 is padding); positions restart in each. */
    SEGMENTS
}
