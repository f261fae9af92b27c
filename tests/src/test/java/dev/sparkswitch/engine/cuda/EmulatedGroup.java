package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.collective.CollectiveException;
import dev.sparkswitch.collective.InProcessCollectives;
import dev.sparkswitch.collective.RankGroup;
import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Tensor;
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

    private static CardParts whole(String operation, Tensor tensor) {
        CudaTensor found = CardParts.whole(operation, tensor);
        return new CardParts(found.address(), 0, found.size() * found.type().bytes());
    }

    @Override
    public Started allReduceSum(Tensor data) {
        CardParts place = whole("allReduceSum", data);
        DType type = data.type();
        return link.start(new EmulatedExchange("allReduceSum " + data, 1, place, place, (sent, received) -> {
            received.put(0, sent, 0, sent.capacity());
            members.allReduceSum(received, type, all);
        }));
    }

    @Override
    public Started allToAll(Tensor send, Tensor receive) {
        int size = members.worldSize();
        CardParts from = CardParts.of(send, size);
        CardParts to = CardParts.of(receive, size);
        from.requireLike(to);
        return link.start(new EmulatedExchange(
                "allToAll " + send, size, from, to, (sent, received) -> members.allToAll(sent, received, all)));
    }

    @Override
    public Started broadcast(Tensor data, int root) {
        CardParts place = whole("broadcast", data);
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
