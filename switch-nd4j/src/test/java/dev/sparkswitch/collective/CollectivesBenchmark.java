package dev.sparkswitch.collective;

import com.sun.management.OperatingSystemMXBean;
import dev.sparkswitch.engine.DType;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** Prints what two ranks in two threads reach within a host. Run by hand. */
final class CollectivesBenchmark {
    private static final int LARGE = 64 << 20;
    private static final int SMALL = 4 << 10;
    private static final int LARGE_ROUNDS = 20;
    private static final int SMALL_ROUNDS = 5000;
    private static final RankGroup BOTH = RankGroup.world(2);

    /** Processor time does not depend on what else the host does. */
    private static final OperatingSystemMXBean PROCESS =
            ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);

    private CollectivesBenchmark() {}

    public static void main(String[] arguments) throws Exception {
        int ioThreads = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 1;
        // What is measured first pays for compiling: the second round counts.
        measure(ioThreads);
        measure(ioThreads);
    }

    private static void measure(int ioThreads) throws Exception {
        for (NettyOptions.Neighbours neighbours : NettyOptions.Neighbours.values()) {
            NettyOptions options =
                    NettyWorlds.options().withNeighbours(neighbours).withIoThreads(ioThreads);
            List<NettyCollectives> netty = NettyWorlds.open(2, options);
            measure(neighbours.toString(), netty);
            Ranks.run(netty, HostCollectives::close);
        }
        measure("in-process", InProcessCollectives.world(2));
    }

    private static void measure(String name, List<? extends HostCollectives> world) throws Exception {
        ByteBuffer[] data = {Ranks.direct(LARGE), Ranks.direct(LARGE)};
        ByteBuffer[] other = {Ranks.direct(LARGE), Ranks.direct(LARGE)};
        time(
                name + " all-reduce 64 MiB float32",
                LARGE,
                LARGE_ROUNDS,
                world,
                rank -> rank.allReduceSum(data[rank.rank()], DType.FLOAT32, BOTH));
        time(
                name + " all-reduce 64 MiB float64",
                LARGE,
                LARGE_ROUNDS,
                world,
                rank -> rank.allReduceSum(data[rank.rank()], DType.FLOAT64, BOTH));
        time(
                name + " all-to-all 64 MiB",
                LARGE,
                LARGE_ROUNDS,
                world,
                rank -> rank.allToAll(data[rank.rank()], other[rank.rank()], BOTH));
        time(
                name + " broadcast 64 MiB",
                LARGE,
                LARGE_ROUNDS,
                world,
                rank -> rank.broadcast(data[rank.rank()], 0, BOTH));
        ByteBuffer[] small = {Ranks.direct(SMALL), Ranks.direct(SMALL)};
        time(
                name + " all-reduce 4 KiB float32",
                SMALL,
                SMALL_ROUNDS,
                world,
                rank -> rank.allReduceSum(small[rank.rank()], DType.FLOAT32, BOTH));
        ByteBuffer[] received = {Ranks.direct(SMALL), Ranks.direct(SMALL)};
        time(
                name + " all-to-all 4 KiB",
                SMALL,
                SMALL_ROUNDS,
                world,
                rank -> rank.allToAll(small[rank.rank()], received[rank.rank()], BOTH));
        time(name + " barrier", 0, SMALL_ROUNDS, world, rank -> rank.barrier(BOTH));
    }

    private static void time(String name, int bytes, int rounds, List<? extends HostCollectives> world, Ranks.Part part)
            throws Exception {
        double[] micros = new double[rounds];
        long[] processor = new long[1];
        Ranks.run(world, rank -> {
            for (int round = -rounds / 2; round < rounds; round++) {
                if (round == 0 && rank.rank() == 0) {
                    processor[0] = -PROCESS.getProcessCpuTime();
                }
                long start = System.nanoTime();
                part.run(rank);
                if (round >= 0 && rank.rank() == 0) {
                    micros[round] = (System.nanoTime() - start) / 1e3;
                }
            }
        });
        processor[0] += PROCESS.getProcessCpuTime();
        Arrays.sort(micros);
        double median = micros[rounds / 2];
        System.out.printf(
                Locale.ROOT,
                "%-42s median %9.1f us, least %9.1f us, 99%% %9.1f us, processor %9.1f us%s%n",
                name,
                median,
                micros[0],
                micros[rounds * 99 / 100],
                processor[0] / 1e3 / rounds,
                bytes < LARGE ? "" : String.format(Locale.ROOT, ", %.2f GB/s of buffer", bytes / median / 1e3));
    }
}
