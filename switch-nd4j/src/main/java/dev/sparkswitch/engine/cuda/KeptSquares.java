package dev.sparkswitch.engine.cuda;

/**
 * Sums of squares of parameters' values that a step of Adafactor leaves for the next one, which would otherwise read all
 * values before it can change the first. Those before a step and those after it take turns.
 */
final class KeptSquares implements AutoCloseable {
    private final CudaTensor sums;
    private final int count;
    private boolean kept;
    private long writesSeen;
    private int turn;

    /** @param count sums */
    KeptSquares(CudaContext context, int count) {
        this.count = count;
        this.sums = context.master(2, Math.max(1, count));
    }

    /** The address of the sums before this step. */
    long before() {
        return address(turn);
    }

    /** Where they are to be after it. */
    long after() {
        return address(1 - turn);
    }

    private long address(int which) {
        return sums.address() + (long) which * count * Float.BYTES;
    }

    /** Whether the last step has left them, and nobody else has written a parameter since. */
    boolean known(long parameterWrites) {
        return kept && parameterWrites == writesSeen;
    }

    /**
     * Ends a step.
     *
     * @param parameterWrites the count of writes to parameters, by then
     */
    void stepped(long parameterWrites) {
        kept = true;
        writesSeen = parameterWrites;
        turn = 1 - turn;
    }

    @Override
    public void close() {
        sums.close();
    }
}
