package dev.sparkswitch.collective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sparkswitch.base.UserException;
import dev.sparkswitch.engine.DType;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What every implementation of {@link HostCollectives} does. */
abstract class HostCollectivesContract {
    private static final Duration LONG = Duration.ofSeconds(20);
    private static final int[] COUNTS = {0, 1, 2, 3, 7, 1000, 8191, 100_003};
    private static final int BEFORE = 5;

    private final List<HostCollectives> opened = new ArrayList<>();

    /** A new world whose operations end within {@code deadline}. */
    abstract List<? extends HostCollectives> open(int size, Duration deadline) throws Exception;

    @AfterEach
    void closeAll() throws Exception {
        Ranks.run(opened, HostCollectives::close);
    }

    private List<? extends HostCollectives> world(int size, Duration deadline) throws Exception {
        List<? extends HostCollectives> world = open(size, deadline);
        opened.addAll(world);
        return world;
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4})
    void sumsAreTakenInTheOrderOfTheRanks(int size) throws Exception {
        RankGroup all = RankGroup.world(size);
        Ranks.run(world(size, LONG), collectives -> {
            for (int count : COUNTS) {
                checkSum(collectives, all, count, DType.FLOAT32);
                checkSum(collectives, all, count, DType.FLOAT64);
            }
        });
    }

    @Test
    void groupsThatAreSubsetsWorkSideBySide() throws Exception {
        Ranks.run(world(4, LONG), collectives -> {
            int parity = collectives.rank() % 2;
            RankGroup group = new RankGroup(List.of(parity, parity + 2));
            RankGroup alone = new RankGroup(List.of(collectives.rank()));
            for (int count : COUNTS) {
                checkSum(collectives, group, count, DType.FLOAT32);
                checkSum(collectives, alone, count, DType.FLOAT32);
                checkExchange(collectives, group, count);
                checkSum(collectives, RankGroup.world(4), count, DType.FLOAT64);
            }
            if (collectives.rank() != 1) {
                RankGroup most = new RankGroup(List.of(0, 2, 3));
                checkSum(collectives, most, 20_000, DType.FLOAT32);
                checkBroadcast(collectives, most, 3, 20_000);
            }
            collectives.barrier(RankGroup.world(4));
        });
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4})
    void partsGoToTheirRanks(int size) throws Exception {
        Ranks.run(world(size, LONG), collectives -> {
            for (int count : COUNTS) {
                checkExchange(collectives, RankGroup.world(size), count);
            }
        });
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4})
    void partsOfSeveralBuffersGoToTheirRanks(int size) throws Exception {
        Ranks.run(world(size, LONG), collectives -> {
            for (int count : new int[] {0, 1, 5, 50_001}) {
                checkPieces(collectives, RankGroup.world(size), count);
            }
        });
    }

    @ParameterizedTest
    @CsvSource({"1, 0", "2, 0", "2, 1", "3, 1", "4, 3"})
    void everyRankGetsTheRootsBytes(int size, int root) throws Exception {
        Ranks.run(world(size, LONG), collectives -> {
            for (int count : COUNTS) {
                checkBroadcast(collectives, RankGroup.world(size), root, count * Float.BYTES);
            }
        });
    }

    @Test
    void noRankPassesABarrierBeforeAllHaveCome() throws Exception {
        int[] came = new int[3];
        Ranks.run(world(3, LONG), collectives -> {
            for (int round = 1; round <= 50; round++) {
                synchronized (came) {
                    came[collectives.rank()] = round;
                }
                collectives.barrier(RankGroup.world(3));
                synchronized (came) {
                    assertThat(came).satisfies(all -> {
                        for (int reached : all) {
                            assertThat(reached).isGreaterThanOrEqualTo(came[collectives.rank()]);
                        }
                    });
                }
                collectives.barrier(RankGroup.world(3));
            }
        });
    }

    @Test
    void theFirstCauseReachesEveryRank() throws Exception {
        List<Throwable> failures = Ranks.failures(world(4, LONG), collectives -> {
            ByteBuffer data = Ranks.direct(1 << 20);
            collectives.allReduceSum(data, DType.FLOAT32, RankGroup.world(4));
            if (collectives.rank() == 2) {
                collectives.abort(new UserException("the batch holds 3 rows"));
                return;
            }
            collectives.allReduceSum(data, DType.FLOAT32, RankGroup.world(4));
        });
        assertThat(failures.get(2)).isNull();
        for (int rank : new int[] {0, 1, 3}) {
            assertThat(failures.get(rank))
                    .isInstanceOfSatisfying(CollectiveException.class, failure -> assertThat(failure.failedRank())
                            .isEqualTo(2))
                    .hasMessage("rank 2 failed: UserException: the batch holds 3 rows");
        }
    }

    @Test
    void aConsequenceThatIsReportedNamesTheFirstRankStill() throws Exception {
        List<? extends HostCollectives> world = world(3, LONG);
        List<Throwable> failures = Ranks.failures(world, collectives -> {
            try {
                if (collectives.rank() == 0) {
                    throw new UserException("no such shard");
                }
                collectives.barrier(RankGroup.world(3));
            } catch (RuntimeException e) {
                collectives.abort(new IllegalStateException("the step failed", e));
                collectives.barrier(RankGroup.world(3));
            }
        });
        assertThat(failures).allSatisfy(failure -> assertThat(failure)
                .hasMessageContaining("rank 0 failed: UserException: no such shard"));
    }

    @Test
    void aRankThatNeverComesEndsInTheDeadline() throws Exception {
        List<Throwable> failures = Ranks.failures(world(2, Duration.ofMillis(100)), collectives -> {
            if (collectives.rank() == 0) {
                collectives.barrier(RankGroup.world(2));
            }
        });
        assertThat(failures.get(0))
                .isInstanceOf(CollectiveException.class)
                .hasMessageContaining("barrier #0 over ranks [0, 1] did not end")
                .hasMessageContaining("1");
    }

    @Test
    void aRankThatLeftIsNamed() throws Exception {
        List<Throwable> failures = Ranks.failures(world(2, LONG), collectives -> {
            collectives.barrier(RankGroup.world(2));
            if (collectives.rank() == 1) {
                collectives.close();
            } else {
                collectives.barrier(RankGroup.world(2));
            }
        });
        assertThat(failures.get(0))
                .isInstanceOfSatisfying(CollectiveException.class, failure -> assertThat(failure.failedRank())
                        .isEqualTo(1))
                .hasMessageContaining("rank 1 has left while rank 0 waited for it in barrier #1");
    }

    @Test
    void differentOperationsAreNamedBoth() throws Exception {
        List<Throwable> failures = Ranks.failures(world(2, LONG), collectives -> {
            RankGroup group = RankGroup.world(2);
            if (collectives.rank() == 0) {
                collectives.allReduceSum(Ranks.direct(400), DType.FLOAT32, group);
            } else {
                collectives.allToAll(Ranks.direct(400), Ranks.direct(400), group);
            }
        });
        assertThat(failures).allSatisfy(failure -> assertThat(failure)
                .isInstanceOf(CollectiveException.class)
                .hasMessageContaining("out of step")
                .hasMessageContaining("all-reduce #0 of 400 bytes float32 over ranks [0, 1]")
                .hasMessageContaining("all-to-all #0 of 400 bytes over ranks [0, 1]"));
    }

    @Test
    void differentSizesAreNamedBoth() throws Exception {
        List<Throwable> failures = Ranks.failures(
                world(2, LONG),
                collectives -> collectives.allReduceSum(
                        Ranks.direct(collectives.rank() * 800_000), DType.FLOAT64, RankGroup.world(2)));
        assertThat(failures).allSatisfy(failure -> assertThat(failure)
                .hasMessageContaining("all-reduce #0 of 0 bytes float64")
                .hasMessageContaining("all-reduce #0 of 800000 bytes float64"));
    }

    @Test
    void groupsInAnotherOrderAreNamedBoth() throws Exception {
        List<Throwable> failures = Ranks.failures(world(3, LONG), collectives -> {
            if (collectives.rank() == 2) {
                collectives.barrier(RankGroup.world(3));
                return;
            }
            List<RankGroup> groups = List.of(new RankGroup(List.of(0, 1)), RankGroup.world(3));
            collectives.barrier(groups.get(collectives.rank()));
            collectives.barrier(groups.get(1 - collectives.rank()));
        });
        assertThat(failures).allSatisfy(failure -> assertThat(failure)
                .hasMessageContaining("barrier #0 over ranks [0, 1]")
                .hasMessageContaining("barrier #0 over ranks [0, 1, 2]"));
    }

    @Test
    void wrongArgumentsAreRefused() throws Exception {
        HostCollectives alone = world(1, LONG).get(0);
        RankGroup group = RankGroup.world(1);
        ByteBuffer data = Ranks.direct(7);
        assertThatThrownBy(() -> alone.allReduceSum(data, DType.FLOAT32, group))
                .hasMessage("7 bytes are not a whole number of FLOAT32 elements");
        assertThatThrownBy(() -> alone.allReduceSum(data, DType.INT32, group)).hasMessageContaining("not of INT32");
        assertThatThrownBy(() -> alone.broadcast(ByteBuffer.allocate(7), 0, group))
                .hasMessageContaining("direct buffer");
        assertThatThrownBy(() -> alone.broadcast(data, 1, group)).hasMessageContaining("root 1");
        assertThatThrownBy(() -> alone.allToAll(data, Ranks.direct(8), group))
                .hasMessage("send holds 7 bytes, receive 8");
        assertThatThrownBy(() -> alone.barrier(RankGroup.world(2))).hasMessageContaining("beyond the world");
        assertThatThrownBy(() -> alone.barrier(new RankGroup(List.of(1)))).hasMessageContaining("not in the group");
    }

    /** The reference is a plain loop over the ranks' values, regenerated here; twice, to see that the bits repeat. */
    private static void checkSum(HostCollectives collectives, RankGroup group, int count, DType type) {
        for (int round = 0; round < 2; round++) {
            ByteBuffer data = Ranks.direct(BEFORE + count * type.bytes() + 3);
            data.position(BEFORE).limit(BEFORE + count * type.bytes());
            double[] own = values(collectives.rank(), count);
            for (int i = 0; i < count; i++) {
                put(data, i, own[i], type);
            }
            collectives.allReduceSum(data, type, group);
            assertThat(data.position()).isEqualTo(BEFORE);
            assertThat(data.remaining()).isEqualTo(count * type.bytes());
            double[][] terms =
                    group.ranks().stream().map(rank -> values(rank, count)).toArray(double[][]::new);
            for (int i = 0; i < count; i++) {
                if (type == DType.FLOAT32) {
                    float sum = (float) terms[0][i];
                    for (int j = 1; j < terms.length; j++) {
                        sum += (float) terms[j][i];
                    }
                    same(data.getFloat(BEFORE + i * Float.BYTES), sum, i);
                } else {
                    double sum = terms[0][i];
                    for (int j = 1; j < terms.length; j++) {
                        sum += terms[j][i];
                    }
                    same(data.getDouble(BEFORE + i * Double.BYTES), sum, i);
                }
            }
        }
    }

    private static void put(ByteBuffer data, int index, double value, DType type) {
        if (type == DType.FLOAT32) {
            data.putFloat(BEFORE + index * Float.BYTES, (float) value);
        } else {
            data.putDouble(BEFORE + index * Double.BYTES, value);
        }
    }

    /** Values of very different sizes, so that another order of summation gives other bits. */
    private static double[] values(int rank, int count) {
        SplittableRandom random = new SplittableRandom(1 + rank);
        double[] values = new double[count];
        for (int i = 0; i < count; i++) {
            values[i] = random.nextDouble(-1, 1) * Math.pow(10, random.nextInt(8));
        }
        return values;
    }

    private static void checkExchange(HostCollectives collectives, RankGroup group, int partInts) {
        int part = partInts * Integer.BYTES;
        int me = group.indexOf(collectives.rank());
        ByteBuffer send = Ranks.direct(part * group.size());
        ByteBuffer receive = Ranks.direct(part * group.size());
        for (int to = 0; to < group.size(); to++) {
            for (int i = 0; i < partInts; i++) {
                send.putInt(to * part + i * Integer.BYTES, mark(me, to, i));
            }
        }
        collectives.allToAll(send, receive, group);
        for (int from = 0; from < group.size(); from++) {
            for (int i = 0; i < partInts; i++) {
                same(receive.getInt(from * part + i * Integer.BYTES), mark(from, me, i), i);
            }
        }
        assertThat(receive.position()).isZero();
        assertThat(receive.remaining()).isEqualTo(part * group.size());
    }

    /** Parts of 6 count numbers: sent in three buffers each, received in two. */
    private static void checkPieces(HostCollectives collectives, RankGroup group, int count) {
        int me = group.indexOf(collectives.rank());
        List<ByteBuffer> send = new ArrayList<>();
        List<ByteBuffer> receive = new ArrayList<>();
        for (int other = 0; other < group.size(); other++) {
            for (int piece = 0; piece < 3; piece++) {
                ByteBuffer buffer =
                        Ranks.direct(BEFORE + 2 * count * Integer.BYTES).position(BEFORE);
                for (int i = 0; i < 2 * count; i++) {
                    buffer.putInt(BEFORE + i * Integer.BYTES, mark(me, other, piece * 2 * count + i));
                }
                send.add(buffer);
            }
            for (int piece = 0; piece < 2; piece++) {
                receive.add(Ranks.direct(BEFORE + 3 * count * Integer.BYTES).position(BEFORE));
            }
        }
        collectives.allToAll(send, receive, group);
        for (int from = 0; from < group.size(); from++) {
            for (int i = 0; i < 6 * count; i++) {
                ByteBuffer buffer = receive.get(2 * from + i / (3 * count));
                same(buffer.getInt(BEFORE + i % (3 * count) * Integer.BYTES), mark(from, me, i), i);
            }
        }
        assertThat(receive).allSatisfy(buffer -> assertThat(buffer.position()).isEqualTo(BEFORE));
    }

    private static int mark(int from, int to, int index) {
        return (from * 10 + to) * 10_000_000 + index;
    }

    private static void checkBroadcast(HostCollectives collectives, RankGroup group, int root, int bytes) {
        ByteBuffer data = Ranks.direct(bytes);
        for (int i = 0; i < bytes; i++) {
            data.put(i, (byte) (collectives.rank() == root ? i * 31 : 0));
        }
        collectives.broadcast(data, root, group);
        for (int i = 0; i < bytes; i++) {
            same(data.get(i), (byte) (i * 31), i);
        }
    }

    /** Equal to the bit; without a matcher an element, of which there are millions. */
    private static void same(double met, double expected, int index) {
        if (Double.compare(met, expected) != 0) {
            throw new AssertionError("element " + index + " is " + met + ", not " + expected);
        }
    }
}
