package dev.sparkswitch.engine.cuda;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * An operation between emulated cards. What it will write holds NaN from its start to its end, so that nobody can use it too
 * early, and nobody may write meanwhile to what it sends or receives: both show when it runs.
 */
final class EmulatedExchange {
    /** Bytes that make a NaN of every floating type. */
    private static final byte POISON = -1;

    /** The exchange itself, between buffers of all parts. */
    interface Work {
        void run(ByteBuffer sent, ByteBuffer received);
    }

    private final String name;
    private final int count;
    private final CardParts send;
    private final CardParts receive;
    private final Work work;
    private final ByteBuffer sent;

    /**
     * Starts.
     *
     * @param count of the parts
     * @param receive the same as {@code send} where the operation is in place
     */
    EmulatedExchange(String name, int count, CardParts send, CardParts receive, Work work) {
        this.name = name;
        this.count = count;
        this.send = send;
        this.receive = receive;
        this.work = work;
        this.sent = read(send);
        write(poison(), receive);
    }

    private ByteBuffer buffer(CardParts parts) {
        return ByteBuffer.allocateDirect(Math.toIntExact(count * parts.bytes())).order(ByteOrder.nativeOrder());
    }

    private ByteBuffer poison() {
        ByteBuffer poison = buffer(receive);
        while (poison.hasRemaining()) {
            poison.put(POISON);
        }
        return poison.flip();
    }

    private ByteBuffer read(CardParts parts) {
        ByteBuffer contents = buffer(parts);
        eachRow(parts, (row, at) -> SimtHost.copy(row, SimtHost.address(contents) + at, parts.rowBytes()));
        return contents;
    }

    private void write(ByteBuffer contents, CardParts parts) {
        eachRow(parts, (row, at) -> SimtHost.copy(SimtHost.address(contents) + at, row, parts.rowBytes()));
    }

    /** What to do with a row at that address and its place among all parts' rows. */
    private interface RowWork {
        void accept(long row, long at);
    }

    private void eachRow(CardParts parts, RowWork work) {
        for (int i = 0; i < count; i++) {
            for (int row = 0; row < parts.rows(); row++) {
                work.accept(parts.at(i, row), i * parts.bytes() + row * parts.rowBytes());
            }
        }
    }

    /** Does what was started. */
    void run() {
        if (!send.equals(receive)) {
            require(sent, send, "sent");
        }
        require(poison(), receive, "received");
        ByteBuffer received = buffer(receive);
        work.run(sent, received);
        write(received, receive);
    }

    private void require(ByteBuffer wanted, CardParts parts, String what) {
        if (!read(parts).equals(wanted)) {
            throw new IllegalStateException(name + " was not over when what it " + what + " was written to");
        }
    }
}
