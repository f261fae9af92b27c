package dev.sparkswitch.tests.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Reading;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.engine.Write;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.FutureTask;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Memory, copies, views and the steps of generation, which are exact on every engine. */
class MemoryContractTest {
    private final Random random = new Random(7);

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void whatIsUploadedComesBack(EngineCase engineCase) {
        try (Bench bench = engineCase.open()) {
            for (int size : new int[] {1, 3, 17, 10_001}) {
                Grid grid = Grid.random(random, size);
                assertThat(bench.doubles(bench.compute(grid))).isEqualTo(grid.doubles());
                assertThat(bench.doubles(bench.master(grid))).isEqualTo(grid.doubles());
                int[] ids = IntStream.range(0, size).toArray();
                assertThat(bench.ints(bench.integers(ids, size))).isEqualTo(ids);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void transfersStartAtTheBuffersPosition(EngineCase engineCase) {
        try (Bench bench = engineCase.open()) {
            ByteBuffer bytes = ByteBuffer.allocateDirect(16).order(ByteOrder.nativeOrder());
            bytes.asIntBuffer().put(new int[] {1, 2, 3, 4});
            Tensor tensor = bench.engine.allocate(DType.INT32, 2);
            bench.engine.upload(tensor, bytes.position(4));
            assertThat(bench.ints(tensor)).containsExactly(2, 3);
            ByteBuffer target = ByteBuffer.allocateDirect(16).order(ByteOrder.nativeOrder());
            bench.engine.download(tensor, target.position(8));
            assertThat(target.getInt(0)).isZero();
            assertThat(target.getInt(8)).isEqualTo(2);
            assertThat(target.getInt(12)).isEqualTo(3);
            assertThatThrownBy(() -> bench.engine.upload(tensor, bytes.position(12)))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void memoryOfTheHostTakesDownloads(EngineCase engineCase) {
        try (Bench bench = engineCase.open()) {
            for (int size : new int[] {1, 1024, 10_001}) {
                int[] ids = IntStream.range(0, size).toArray();
                Tensor tensor = bench.integers(ids, size);
                ByteBuffer all = bench.engine.hostMemory(size * Integer.BYTES);
                bench.engine.download(tensor, all);
                assertThat(all.capacity()).isEqualTo(size * Integer.BYTES);
                IntStream.range(0, size)
                        .forEach(i -> assertThat(all.getInt(i * Integer.BYTES)).isEqualTo(i));
                ByteBuffer twice = bench.engine.hostMemory(2 * size * Integer.BYTES);
                bench.engine.download(tensor, twice.position(size * Integer.BYTES));
                assertThat(twice.slice().order(ByteOrder.nativeOrder())).isEqualTo(all);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void aReadingHoldsWhatTheTensorHeldWhenItWasAskedFor(EngineCase engineCase) {
        try (Bench bench = engineCase.open()) {
            List<Reading> readings = new ArrayList<>();
            List<double[]> wanted = new ArrayList<>();
            for (int turn = 0; turn < 2; turn++) {
                // More than fits in what a card reads ahead, too
                for (int size : new int[] {1, 17, 10_001, 300_000}) {
                    Grid grid = Grid.random(random, size);
                    Tensor tensor = size == 17 ? bench.parameter(grid) : bench.master(grid);
                    wanted.add(bench.doubles(tensor));
                    readings.add(bench.engine.read(tensor));
                    bench.engine.fill(tensor, 7);
                }
                if (turn == 0) {
                    // Memory of readings that have been waited for is used again.
                    assertThat(readings.remove(0).values()).isEqualTo(wanted.remove(0));
                }
            }
            for (int i = 0; i < readings.size(); i++) {
                assertThat(readings.get(i).values()).isEqualTo(wanted.get(i));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void downloadsOfManyTensorsHoldWhatEachWas(EngineCase engineCase) {
        try (Bench bench = engineCase.open()) {
            Engine engine = bench.engine;
            List<Tensor> sources = new ArrayList<>();
            List<double[]> wanted = new ArrayList<>();
            List<ByteBuffer> targets = new ArrayList<>();
            for (int size : new int[] {3, 10_001, 17, 1, 1024}) {
                Grid grid = Grid.random(random, size);
                Tensor source = size % 2 == 0 ? bench.master(grid) : bench.parameter(grid);
                int bytes = size * source.type().bytes();
                sources.add(source);
                wanted.add(bench.doubles(source));
                // Memory that is quick to write to, and memory that is not.
                targets.add(
                        size == 17
                                ? ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder())
                                : engine.hostMemory(bytes));
            }
            engine.download(sources, targets);
            sources.forEach(source -> engine.fill(source, 0));
            for (int i = 0; i < sources.size(); i++) {
                ByteBuffer copy = targets.get(i).clear();
                double[] found = new double[wanted.get(i).length];
                for (int at = 0; at < found.length; at++) {
                    found[at] = engine.precision().master() == DType.FLOAT64
                            ? copy.getDouble(at * Double.BYTES)
                            : copy.getFloat(at * Float.BYTES);
                }
                assertThat(found).isEqualTo(wanted.get(i));
            }
        }
    }

    /** It is made beside the thread that computes. */
    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void memoryOfTheHostIsMadeByAnyThread(EngineCase engineCase) throws Exception {
        try (Bench bench = engineCase.open()) {
            List<FutureTask<List<ByteBuffer>>> makers = new ArrayList<>();
            for (int maker = 0; maker < 2; maker++) {
                makers.add(new FutureTask<>(() -> IntStream.range(1, 40)
                        .mapToObj(bench.engine::hostMemory)
                        .toList()));
                new Thread(makers.get(maker)).start();
            }
            Tensor tensor = bench.integers(new int[] {1, 2, 3}, 3);
            for (int i = 0; i < 40; i++) {
                assertThat(bench.ints(tensor)).containsExactly(1, 2, 3);
            }
            for (FutureTask<List<ByteBuffer>> maker : makers) {
                ByteBuffer target = maker.get().get(11);
                bench.engine.download(tensor, target);
                assertThat(target.getInt(2 * Integer.BYTES)).isEqualTo(3);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void fillsAndCopies(EngineCase engineCase) {
        for (int size : new int[] {1, 17, 8192, 16_387}) {
            Grid a = Grid.random(random, size);
            Grid b = Grid.random(random, size);
            double[] sum = new double[size];
            for (int i = 0; i < size; i++) {
                sum[i] = a.values()[i].value() + b.values()[i].value();
            }
            try (Bench bench = engineCase.open()) {
                Engine engine = bench.engine;
                Tensor target = bench.spoiledMaster(size);
                engine.copy(bench.master(a), target, Write.SET);
                assertThat(bench.doubles(target)).isEqualTo(a.doubles());
                engine.copy(bench.master(b), target, Write.ADD);
                bench.assertClose("copy added", target, sum);
                engine.fill(target, 0.25);
                assertThat(bench.doubles(target)).containsOnly(0.25);
                Tensor other = bench.spoiledMaster(size + 1);
                assertThatThrownBy(() -> engine.copy(target, other, Write.SET))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessageContaining("copy");
            }
        }
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void viewsShareTheirOwnersMemory(EngineCase engineCase) {
        try (Bench bench = engineCase.open()) {
            Grid grid = Grid.random(random, 5, 3, 2);
            Tensor owner = bench.compute(grid);
            double[] all = grid.doubles();
            Tensor slice = owner.slice(1, 4);
            assertThat(slice.shape()).containsExactly(3, 3, 2);
            assertThat(bench.doubles(slice)).isEqualTo(Arrays.copyOfRange(all, 6, 24));
            assertThat(bench.doubles(slice.reshape(9, 2).slice(2, 3))).isEqualTo(Arrays.copyOfRange(all, 10, 12));
            bench.engine.fill(slice, 0);
            Arrays.fill(all, 6, 24, 0);
            slice.close();
            assertThat(bench.doubles(owner)).isEqualTo(all);
            assertThat(bench.doubles(bench.compute(grid).reshape(30).slice(7, 9)))
                    .isEqualTo(Arrays.copyOfRange(grid.doubles(), 7, 9));
            assertThatThrownBy(() -> owner.reshape(4, 7)).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> owner.columns(0, 1).reshape(15)).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void closedMemoryIsUsedAgain(EngineCase engineCase) {
        try (Bench bench = engineCase.open()) {
            Grid grid = Grid.random(random, 17, 3);
            Tensor first = bench.compute(grid);
            long bytes = bench.engine.memoryBytes();
            assertThat(bytes).isPositive();
            first.close();
            first.close();
            Tensor second = bench.compute(grid);
            assertThat(bench.engine.memoryBytes()).isEqualTo(bytes);
            // Closing twice must not hand the same memory out twice.
            Tensor third = bench.compute(Grid.zeros(17, 3));
            assertThat(bench.doubles(second)).isEqualTo(grid.doubles());
            third.close();
        }
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void swapLeading(EngineCase engineCase) {
        for (int[] size : List.of(new int[] {1, 1, 1}, new int[] {3, 5, 7}, new int[] {2, 1, 17})) {
            Grid grid = Grid.random(random, size);
            int[] ids = IntStream.range(0, grid.values().length).toArray();
            try (Bench bench = engineCase.open()) {
                Tensor source = bench.compute(grid);
                Tensor swapped = bench.fresh(
                        () -> bench.engine.swapLeading(source, size[0], size[1], size[1], size[0] * size[2]));
                assertThat(swapped.shape()).containsExactly(size[1], size[0] * size[2]);
                assertThat(bench.doubles(swapped)).isEqualTo(Reference.swapLeading(grid.doubles(), size[0], size[1]));
                Tensor numbers = bench.integers(ids, ids.length);
                double[] wanted = Reference.swapLeading(bench.doubles(numbers), size[0], size[1]);
                Tensor turned = bench.engine.swapLeading(numbers, size[0], size[1], ids.length);
                assertThat(bench.doubles(turned)).isEqualTo(wanted);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void appendWritesOnePositionOfEveryRow(EngineCase engineCase) {
        try (Bench bench = engineCase.open()) {
            Grid rows = Grid.random(random, 3, 5);
            Grid before = Grid.random(random, 3, 7, 5);
            for (int position : new int[] {0, 4, 6}) {
                double[] wanted = before.doubles();
                for (int r = 0; r < 3; r++) {
                    System.arraycopy(rows.doubles(), r * 5, wanted, (r * 7 + position) * 5, 5);
                }
                Tensor cache = bench.compute(before);
                bench.engine.append(bench.compute(rows), cache, position);
                assertThat(bench.doubles(cache)).isEqualTo(wanted);
                Tensor other = bench.compute(before);
                bench.engine.append(bench.view(rows).columns(), other, position);
                assertThat(bench.doubles(other)).isEqualTo(wanted);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void gatherRows(EngineCase engineCase) {
        try (Bench bench = engineCase.open()) {
            Grid grid = Grid.random(random, 5, 3, 7);
            int[] indices = {4, 0, 4, 2, 2, 1, 3};
            double[] wanted = new double[indices.length * 21];
            for (int i = 0; i < indices.length; i++) {
                System.arraycopy(grid.doubles(), indices[i] * 21, wanted, i * 21, 21);
            }
            Tensor x = bench.compute(grid);
            Tensor numbers = bench.integers(indices, indices.length);
            Tensor found = bench.fresh(() -> bench.engine.gatherRows(x, numbers));
            assertThat(found.shape()).containsExactly(7, 3, 7);
            assertThat(bench.doubles(found)).isEqualTo(wanted);
            Tensor ids = bench.integers(new int[] {10, 11, 12, 13, 14}, 5);
            assertThat(bench.ints(bench.engine.gatherRows(ids, numbers))).containsExactly(14, 10, 14, 12, 12, 11, 13);
        }
    }
}
