package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.collective.InProcessCollectives;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/**
 * An emulated card's way to others of this process. Of all times at which an operation may run beside the engine it takes the
 * latest: when one is awaited, it and those started before run, in the order of their starts.
 */
final class EmulatedLink {
    private static final AtomicLong NUMBERS = new AtomicLong();
    private static final Map<ByteBuffer, List<InProcessCollectives>> GROUPS = new HashMap<>();

    private final byte[] number = number(CudaEngine.LINK_BYTES);
    private final Deque<EmulatedExchange> started = new ArrayDeque<>();
    private final SharedBlocks shared = new SharedBlocks();
    private final boolean across = Switches.isOn(Switches.CARD_COPIES);

    private static byte[] number(int bytes) {
        return ByteBuffer.allocate(bytes).putLong(NUMBERS.incrementAndGet()).array();
    }

    static byte[] newGroup() {
        return number(CudaEngine.GROUP_BYTES);
    }

    /** What tells this card from all others. */
    byte[] number() {
        return number;
    }

    /** The card's blocks that others write to. */
    SharedBlocks shared() {
        return shared;
    }

    /** Whether cards write into each other's memory. */
    boolean writesAcross() {
        return across;
    }

    CardGroup join(byte[] id, int index, int size) {
        synchronized (GROUPS) {
            List<InProcessCollectives> members =
                    GROUPS.computeIfAbsent(ByteBuffer.wrap(id), unused -> InProcessCollectives.world(size));
            return new EmulatedGroup(this, members.get(index));
        }
    }

    CardGroup.Started start(EmulatedExchange exchange) {
        started.add(exchange);
        return () -> runUntil(exchange);
    }

    private void runUntil(EmulatedExchange last) {
        while (started.contains(last)) {
            started.remove().run();
        }
    }

    /** Whether operations have been started that nobody waited for. */
    boolean pending() {
        return !started.isEmpty();
    }
}
