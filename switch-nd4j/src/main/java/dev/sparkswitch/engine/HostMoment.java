package dev.sparkswitch.engine;

/**
 * A moment of the host.
 *
 * @param nanos {@link System#nanoTime}
 */
record HostMoment(long nanos) implements Moment {
    @Override
    public double secondsSince(Moment earlier) {
        return (nanos - ((HostMoment) earlier).nanos) / 1e9;
    }

    @Override
    public void close() {}
}
