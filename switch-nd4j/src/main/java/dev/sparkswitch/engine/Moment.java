package dev.sparkswitch.engine;

/** A moment on the clock of whatever an engine computes on; see {@link Engine#moment}. */
public interface Moment extends AutoCloseable {
    /** The seconds from an earlier moment of the same engine to this one; waits until both have come. */
    double secondsSince(Moment earlier);

    @Override
    void close();

    /** The present moment of the host, for engines whose operations are done when they return. */
    static Moment now() {
        return new HostMoment(System.nanoTime());
    }
}
