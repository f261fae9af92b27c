package dev.sparkswitch.collective;

/** An operation between ranks that was started; see {@link Collectives}. */
@FunctionalInterface
public interface Exchange {
    /** One that was over when its start returned. */
    Exchange DONE = () -> {};

    /** What the engine is asked for from here on finds the operation done. To be called once. */
    void await();
}
