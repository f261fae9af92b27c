package dev.sparkswitch.jobs;

import dev.sparkswitch.base.Setting;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import org.apache.spark.SparkEnv;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.api.java.function.Function;
import org.apache.spark.api.java.function.VoidFunction;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import picocli.CommandLine.Command;

/**
 * A command of the tests, run through spark-submit: one matrix product on every executor of the local cluster. It lives
 * in this package to be run by {@link Main} as the commands are.
 */
@Command(name = "probe", description = "Multiplies on every executor.")
public final class ProbeJob extends Job<ProbeJob.Config> {
    enum Ending {
        DONE,
        HOLD
    }

    record Config(
            @Setting(value = "2", help = "Executors.") int executors,

            @Setting(value = "done", help = "Whether to end after the products or to hold the executors.")
            Ending ending) {}

    ProbeJob() {
        super(Config.class);
    }

    public static void main(String[] arguments) {
        System.exit(Main.run(
                Home.find(),
                List.of(new ProbeJob()),
                new PrintWriter(System.out, true),
                new PrintWriter(System.err, true),
                arguments));
    }

    @Override
    protected void run(Config configuration, JobContext context) {
        // As the demonstration does: data first, in this process, then executors of their own.
        if (context.spark(SparkProfile.data()).range(3).count() != 3) {
            throw new IllegalStateException("three rows are not three");
        }
        JavaSparkContext spark = JavaSparkContext.fromSparkContext(
                context.spark(SparkProfile.training(configuration.executors(), 1, 512))
                        .sparkContext());
        List<Integer> ranks =
                IntStream.range(0, configuration.executors()).boxed().toList();
        spark.parallelize(ranks, ranks.size()).map(new Product()).collect().forEach(context.out()::println);
        switch (configuration.ending()) {
            case DONE -> {}
            case HOLD -> spark.parallelize(ranks, ranks.size()).foreach(new Hold());
        }
    }

    /** Waits for ever. */
    private static final class Hold implements VoidFunction<Integer> {
        private static final long serialVersionUID = 1L;

        @Override
        public void call(Integer rank) throws InterruptedException {
            new CountDownLatch(1).await();
        }
    }

    /** The sum of a product of ones, [3, 4] x [4, 2]: 24. */
    private static final class Product implements Function<Integer, String> {
        private static final long serialVersionUID = 1L;

        @Override
        public String call(Integer rank) {
            try (INDArray left = Nd4j.ones(3, 4);
                    INDArray right = Nd4j.ones(4, 2);
                    INDArray product = left.mmul(right)) {
                return "executor " + SparkEnv.get().executorId() + " got "
                        + product.sumNumber().intValue();
            }
        }
    }
}
