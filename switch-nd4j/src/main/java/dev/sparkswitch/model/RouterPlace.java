package dev.sparkswitch.model;

/**
 * Where a router stands and to what it leads.
 *
 * @param weight the name of its weight, where it has one
 * @param stack the stack that it is in
 * @param layer the block
 * @param site numbers its random numbers
 * @param leadsTo what its experts are
 */
record RouterPlace(String weight, Stack stack, int layer, int site, Experts leadsTo) {
    /** What experts there are behind a router. */
    enum Experts {
        /** Feed-forward layers, whose widths may differ. */
        FEED_FORWARD,
        /** Projections of attention, all of one size. */
        ATTENTION
    }
}
