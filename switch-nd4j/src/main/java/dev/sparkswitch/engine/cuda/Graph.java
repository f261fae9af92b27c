package dev.sparkswitch.engine.cuda;

/** Operations that a device starts together, in less time than one by one. */
interface Graph extends AutoCloseable {
    /** From the next start on the kernel at that place takes other arguments; it {@linkplain Call#fits fits} the one before. */
    void change(int place, Call.OfKernel call);

    /** Starts all in their order, after everything that was started before. */
    void start();

    /** May be under way. */
    @Override
    void close();
}
