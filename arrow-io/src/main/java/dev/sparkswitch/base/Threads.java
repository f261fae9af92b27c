package dev.sparkswitch.base;

/** What has to be waited for whoever interrupts. */
public final class Threads {
    private Threads() {}

    /** Returns when {@code thread} has ended; an interrupt of the caller meanwhile is kept for what it does next. */
    public static void join(Thread thread) {
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
