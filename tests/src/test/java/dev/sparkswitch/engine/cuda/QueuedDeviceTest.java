package dev.sparkswitch.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sparkswitch.engine.DType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Operations that wait are done when somebody looks, in their order, by graphs or not. */
class QueuedDeviceTest {
    private static final int NUMBERS = 64;
    private static final int BYTES = NUMBERS * Integer.BYTES;
    private static final int THREADS = 256;

    private EmulatedDevice card;
    private QueuedDevice device;
    private long a;
    private long b;
    private Kernel fill;

    @BeforeEach
    void open() {
        assumeTrue(
                SimtCompiler.missing().isEmpty(), () -> SimtCompiler.missing().orElse(""));
        card = new EmulatedDevice();
        device = new QueuedDevice(card);
        a = device.allocate(BYTES);
        b = device.allocate(BYTES);
        fill = device.kernel("memory", DType.BFLOAT16, "fill_32");
    }

    @AfterEach
    void close() {
        if (device != null) {
            device.close();
        }
    }

    private void fill(long target, int value) {
        device.launch(fill, Launch.of(1, THREADS), Arguments.of(target, value, (long) NUMBERS));
    }

    /** a and then b become {@code first} and {@code second}, by way of others. */
    private void run(int first, int second) {
        fill(a, second);
        device.copy(a, b, BYTES);
        device.zero(a, BYTES);
        fill(a, first);
    }

    private int[] contents(long source) {
        ByteBuffer bytes = ByteBuffer.allocateDirect(BYTES).order(ByteOrder.nativeOrder());
        device.download(source, bytes);
        int[] found = new int[NUMBERS];
        bytes.asIntBuffer().get(found);
        return found;
    }

    private void assertContents(int first, int second) {
        assertThat(contents(a)).containsOnly(first);
        assertThat(contents(b)).containsOnly(second);
    }

    /** Runs of one form, each with arguments of its own. */
    private void assertSteps(int steps) {
        for (int step = 1; step <= steps; step++) {
            run(step, 100 + step);

            assertContents(step, 100 + step);
        }
    }

    @Test
    void runsThatAreAskedForAgainTakeOtherArguments() {
        assertSteps(5);
        assertThat(card.graphStarts()).isEqualTo(5 - QueuedDevice.ENOUGH);
    }

    @Test
    void graphsAreMadeWhileNothingIsUnderWay() {
        card.neverIdle();
        assertSteps(4);
        assertThat(card.graphs()).isZero();
    }

    @Test
    void runsOfAnotherFormAreStartedAsTheyAre() {
        for (int step = 0; step <= QueuedDevice.ENOUGH; step++) {
            run(step, 6);
            assertContents(step, 6);
        }
        long other = device.allocate(BYTES);

        fill(a, 8);
        device.copy(a, other, BYTES);
        device.zero(a, BYTES);
        fill(a, 7);

        assertContents(7, 6);
        assertThat(contents(other)).containsOnly(8);
        assertThat(card.graphStarts()).isEqualTo(1);
    }

    @Test
    void longRunsAreCutAndKeepTheirOrder() {
        for (int step = 0; step < 5; step++) {
            for (int i = 0; i < 500; i++) {
                fill(i % 2 == 0 ? a : b, 1000 * step + i);
            }

            assertContents(1000 * step + 498, 1000 * step + 499);
        }
        assertThat(card.graphStarts()).isPositive();
    }

    @Test
    void everyWayOfLookingStartsWhatWaits() {
        List<Runnable> looks = new ArrayList<>();
        looks.add(device::synchronize);
        looks.add(() -> device.moment());
        looks.add(() -> device.exchangeMoment());
        looks.add(device::mark);
        looks.add(() -> device.beside(() -> {}));
        looks.add(() -> assertThat(device.read(b, BYTES).get().remaining()).isEqualTo(BYTES));
        looks.add(() -> device.startDownload(b, ByteBuffer.allocateDirect(BYTES)));
        looks.add(() -> device.upload(b, ByteBuffer.allocateDirect(BYTES)));
        for (int i = 0; i < looks.size(); i++) {
            fill(a, i + 1);

            looks.get(i).run();

            // Not by way of the queue
            ByteBuffer bytes = ByteBuffer.allocateDirect(BYTES).order(ByteOrder.nativeOrder());
            card.download(a, bytes);
            assertThat(bytes.getInt(0)).as("look %d", i).isEqualTo(i + 1);
        }
    }

    @Test
    void aReadingIsOfItsMomentAndStartsWhatWaitsBehindIt() {
        fill(a, 7);
        Supplier<ByteBuffer> reading = device.read(a, BYTES);
        fill(a, 8);

        assertThat(reading.get().getInt(0)).isEqualTo(7);

        ByteBuffer bytes = ByteBuffer.allocateDirect(BYTES).order(ByteOrder.nativeOrder());
        card.download(a, bytes);
        assertThat(bytes.getInt(0)).isEqualTo(8);
    }

    @Test
    void whatRunsBesideIsNotKeptWaiting() {
        Device.Point end = device.beside(() -> fill(b, 9));
        device.follow(end);

        ByteBuffer bytes = ByteBuffer.allocateDirect(BYTES).order(ByteOrder.nativeOrder());
        card.download(b, bytes);
        assertThat(bytes.getInt(0)).isEqualTo(9);
    }

    @Test
    void aDeviceWithoutGraphsStartsOneByOne() {
        card.withoutGraphs();
        assertSteps(4);
        assertThat(card.graphStarts()).isZero();
    }

    /** A run of the form that has that number. */
    private void form(int number) {
        device.zero(a, 4L * (1 + number % 64));
        device.zero(a, 4L * (1 + number / 64 % 64));
        device.zero(a, 4L * (1 + number / 64 / 64));
        fill(a, number);
        device.synchronize();
    }

    @Test
    void graphsThatAreThereStayUntilManyOthersHaveCome() {
        int forms = QueuedDevice.MOST_GRAPHS + 100;
        for (int number = 0; number < forms; number++) {
            for (int i = 0; i <= QueuedDevice.ENOUGH; i++) {
                form(number);
            }
        }
        assertThat(card.graphs()).isEqualTo(QueuedDevice.MOST_GRAPHS);
        assertThat(card.graphStarts()).isEqualTo(QueuedDevice.MOST_GRAPHS);

        form(1);
        assertThat(card.graphStarts()).isEqualTo(QueuedDevice.MOST_GRAPHS + 1);
        for (int number = forms; number < forms + QueuedDevice.MOST_RUNS; number++) {
            form(number);
        }

        assertThat(card.graphs()).isZero();
        assertThat(contents(a)).containsOnly(forms + QueuedDevice.MOST_RUNS - 1);
    }

    @Test
    void timesAreOfOperationsOneByOne() {
        for (int i = 0; i < QueuedDevice.ENOUGH; i++) {
            run(1, 2);
            device.mark();
        }
        device.startProfile();
        run(5, 6);
        assertContents(5, 6);

        assertThat(device.endProfile()).containsKey("fill_32");
        // Though a run has come often enough
        assertThat(card.graphs()).isZero();
    }
}
