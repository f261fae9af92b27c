package dev.sparkswitch.collective;

import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.HostAddressable;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.engine.cuda.CudaEngine;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Which way tensors take from rank to rank. */
final class Routes {
    private static final Logger LOG = LoggerFactory.getLogger(Routes.class);
    /** A byte that says whether there is a link, and the link. */
    private static final int ANSWER_BYTES = 1 + CudaEngine.LINK_BYTES;

    private Routes() {}

    static Collectives choose(HostCollectives host, Engine engine) {
        if (host.worldSize() == 1) {
            return new SingleRank();
        }
        Collectives chosen = engine instanceof CudaEngine cuda && everyRankHasACardOfItsOwn(host, cuda.link())
                ? new CardCollectives(host, cuda)
                : isInHostMemory(engine) ? new HostTensorCollectives(host) : new StagedCollectives(host, engine);
        LOG.info("tensors travel between the {} ranks {}", host.worldSize(), chosen);
        return chosen;
    }

    private static boolean isInHostMemory(Engine engine) {
        try (Tensor tensor = engine.allocate(DType.INT32, 1)) {
            return tensor instanceof HostAddressable;
        }
    }

    /** What each rank has is told to all, so that all choose alike. */
    private static boolean everyRankHasACardOfItsOwn(HostCollectives host, Optional<byte[]> link) {
        byte[] answer = new byte[ANSWER_BYTES];
        link.ifPresent(own -> {
            answer[0] = 1;
            System.arraycopy(own, 0, answer, 1, own.length);
        });
        int ranks = host.worldSize();
        ByteBuffer send = bytes(ranks * ANSWER_BYTES);
        ByteBuffer receive = bytes(ranks * ANSWER_BYTES);
        for (int rank = 0; rank < ranks; rank++) {
            send.put(answer);
        }
        host.allToAll(send.flip(), receive, RankGroup.world(ranks));
        Set<ByteBuffer> cards = new HashSet<>();
        for (int rank = 0; rank < ranks; rank++) {
            byte[] other = new byte[ANSWER_BYTES];
            receive.get(rank * ANSWER_BYTES, other);
            if (other[0] != 1) {
                LOG.info("rank {} has no direct link to other cards", rank);
                return false;
            }
            if (!cards.add(ByteBuffer.wrap(Arrays.copyOfRange(other, 1, ANSWER_BYTES)))) {
                LOG.info("rank {} shares its card with another rank", rank);
                return false;
            }
        }
        return true;
    }

    /** A buffer for the elements of {@code tensor}, {@code known} if it is large enough. */
    static ByteBuffer room(ByteBuffer known, Tensor tensor) {
        int bytes = Math.toIntExact(tensor.size() * tensor.type().bytes());
        ByteBuffer buffer = known.capacity() < bytes ? bytes(bytes) : known;
        return buffer.clear().limit(bytes);
    }

    /** A buffer as {@link HostCollectives} take them. */
    static ByteBuffer bytes(int size) {
        return ByteBuffer.allocateDirect(size).order(ByteOrder.nativeOrder());
    }
}
