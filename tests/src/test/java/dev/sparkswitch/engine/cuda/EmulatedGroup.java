package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.collective.CollectiveException;
import dev.sparkswitch.collective.InProcessCollectives;
import dev.sparkswitch.collective.RankGroup;
import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;

/** A group of emulated cards. */
final class EmulatedGroup implements CardGroup {
    private final EmulatedLink link;
    private final InProcessCollectives members;
    private final RankGroup all;

    EmulatedGroup(EmulatedLink link, InProcessCollectives members) {
        this.link = link;
        this.members = members;
        this.all = RankGroup.world(members.worldSize());
    }

    @Override
    public Started allReduceSum(Tensor data) {
        CardParts place = CardParts.whole("allReduceSum", data);
        DType type = data.type();
        return link.start(new EmulatedExchange("allReduceSum " + data, 1, place, place, (sent, received) -> {
            received.put(0, sent, 0, sent.capacity());
            if (type == DType.BFLOAT16) {
                sumOfBfloat16(received);
            } else {
                members.allReduceSum(received, type, all);
            }
        }));
    }

    /** As the library does it: sums of two are taken in float32 and rounded. */
    private void sumOfBfloat16(ByteBuffer received) {
        ByteBuffer numbers = received.duplicate().order(ByteOrder.nativeOrder());
        int count = numbers.capacity() / Short.BYTES;
        ByteBuffer wide = ByteBuffer.allocateDirect(count * Float.BYTES).order(ByteOrder.nativeOrder());
        for (int i = 0; i < count; i++) {
            wide.putInt(i * Float.BYTES, numbers.getShort(i * Short.BYTES) << Short.SIZE);
        }
        members.allReduceSum(wide, DType.FLOAT32, all);
        for (int i = 0; i < count; i++) {
            int bits = wide.getInt(i * Float.BYTES);
            numbers.putShort(i * Short.BYTES, (short) (bits + 0x7FFF + (bits >>> 16 & 1) >>> 16));
        }
    }

    @Override
    public boolean writesAcross() {
        return link.writesAcross();
    }

    @Override
    public void expect(Tensor receive) {
        if (writesAcross()) {
            requireSamePlace("allToAll", CardParts.whole("allToAll", receive).address());
        }
    }

    @Override
    public Started allToAll(Tensor send, Tensor receive) {
        int size = members.worldSize();
        CardParts sent = CardParts.of(send, size);
        CardParts to = CardParts.of(receive, size);
        CardParts from = sent.cutLike(to);
        CardParts into = to.cutLike(sent);
        if (!writesAcross() && from.rows() > 1) {
            throw new IllegalArgumentException("rows of " + send + " or " + receive + " lie apart");
        }
        String name = "allToAll " + send;
        return link.start(new EmulatedExchange(name, size, from, into, (mine, theirs) -> {
            if (writesAcross()) {
                requireSamePlace(name, into.address());
            }
            members.allToAll(mine, theirs, all);
        }));
    }

    /** A card that writes to another's memory knows only where its own lies. */
    private void requireSamePlace(String name, long address) {
        SharedBlocks.Place own = link.shared().place(address);
        int size = members.worldSize();
        ByteBuffer sent = ByteBuffer.allocateDirect(2 * Long.BYTES * size).order(ByteOrder.nativeOrder());
        ByteBuffer received = ByteBuffer.allocateDirect(sent.capacity()).order(ByteOrder.nativeOrder());
        for (int i = 0; i < size; i++) {
            sent.putLong(own.number()).putLong(own.offset());
        }
        sent.flip();
        members.allToAll(sent, received, all);
        if (!received.clear().equals(sent.clear())) {
            throw new IllegalStateException(name + " is not received in the same place on all cards");
        }
    }

    @Override
    public Started broadcast(Tensor data, int root) {
        CardParts place = CardParts.whole("broadcast", data);
        return link.start(new EmulatedExchange("broadcast " + data, 1, place, place, (sent, received) -> {
            received.put(0, sent, 0, sent.capacity());
            members.broadcast(received, root, all);
        }));
    }

    @Override
    public Optional<String> fault() {
        return members.failure().map(CollectiveException::getMessage);
    }

    /** An emulated card does nothing of itself that anyone could wait for. */
    @Override
    public boolean pending() {
        return false;
    }

    @Override
    public void abort() {
        members.abort(new IllegalStateException("the group of emulated cards was ended"));
    }

    @Override
    public void close() {
        members.close();
        if (link.pending()) {
            throw new IllegalStateException("operations between cards were started that nobody waited for");
        }
    }
}
