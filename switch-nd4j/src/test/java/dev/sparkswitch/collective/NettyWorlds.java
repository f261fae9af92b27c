package dev.sparkswitch.collective;

import dev.sparkswitch.train.RankContext;
import dev.sparkswitch.train.TrainingStatus;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/** Worlds of {@link NettyCollectives} whose ranks are in this JVM. */
final class NettyWorlds {
    static final byte[] SECRET = "a secret of the tests alone".getBytes(StandardCharsets.US_ASCII);

    private NettyWorlds() {}

    static NettyOptions options() {
        return NettyOptions.defaults()
                .withHost("127.0.0.1")
                .withConnectTimeout(Duration.ofSeconds(5))
                .withCauseWait(Duration.ofMillis(200));
    }

    static List<NettyCollectives> open(int size, NettyOptions options) throws Exception {
        List<NettyCollectives> world = new ArrayList<>();
        for (Future<NettyCollectives> rank : connect(contexts(size), options)) {
            world.add(rank.get(10, TimeUnit.SECONDS));
        }
        return world;
    }

    /** Connects each context on a thread of its own. */
    static List<Future<NettyCollectives>> connect(List<? extends RankContext> contexts, NettyOptions options) {
        ExecutorService threads = Executors.newCachedThreadPool();
        List<Future<NettyCollectives>> world = new ArrayList<>();
        for (RankContext context : contexts) {
            world.add(threads.submit(() -> NettyCollectives.connect(context, options)));
        }
        threads.shutdown();
        return world;
    }

    static List<Context> contexts(int size) {
        String[] messages = new String[size];
        CyclicBarrier all = new CyclicBarrier(size);
        List<Context> contexts = new ArrayList<>();
        for (int rank = 0; rank < size; rank++) {
            contexts.add(new Context(rank, size, 0, SECRET, messages, all));
        }
        return contexts;
    }

    /** A rank whose meeting place is an array. */
    record Context(int rank, int worldSize, int attempt, byte[] secret, String[] messages, CyclicBarrier all)
            implements RankContext {
        Context withSecret(byte[] other) {
            return new Context(rank, worldSize, attempt, other, messages, all);
        }

        Context withAttempt(int other) {
            return new Context(rank, worldSize, other, secret, messages, all);
        }

        @Override
        public List<String> allGather(String message) {
            try {
                messages[rank] = message;
                all.await(10, TimeUnit.SECONDS);
                return Arrays.asList(messages.clone());
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        public void report(TrainingStatus status) {
            throw new UnsupportedOperationException();
        }
    }
}
