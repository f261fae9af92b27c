package dev.sparkswitch.jobs.study;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sparkswitch.base.Configs;
import dev.sparkswitch.base.SectionFiles;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.bench.StepFlops;
import dev.sparkswitch.eval.study.StudyVariant;
import dev.sparkswitch.jobs.run.FinetuneConfig;
import dev.sparkswitch.jobs.run.PretrainConfig;
import dev.sparkswitch.model.CapacityMode;
import dev.sparkswitch.model.Contradictions;
import dev.sparkswitch.model.ParameterSpecs;
import dev.sparkswitch.model.SwitchConfig;
import dev.sparkswitch.model.T5Config;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/** The runs that a study's settings name. */
public final class StudyPlan {
    private static final double GIGA = 1e9;
    private static final double MEGA = 1e6;
    private static final StudyWork.Lengths T5_ROWS = new StudyWork.Lengths(512, 114);

    private final StudyConfig config;
    private final List<Run> runs;

    private StudyPlan(StudyConfig config, List<Run> runs) {
        this.config = config;
        this.runs = List.copyOf(runs);
    }

    /**
     * A run.
     *
     * @param variant whose run it is
     * @param seed its seed
     * @param settings its settings, without those of the place where it runs
     */
    record Run(String variant, long seed, Settings settings) {
        String name() {
            return variant + ", seed " + seed;
        }

        StudyWork work() {
            return settings.work(Optional.empty(), 0, 0);
        }
    }

    /** The tree of a run's settings, and what it is bound to. */
    record Settings(StudyConfig.Command command, ObjectNode tree, String name, SectionFiles files) {
        /**
         * The work.
         *
         * @param timeLimit after which it stops at a checkpoint
         * @param firstCard of its ranks, where they run in this process
         * @param threads of each rank, where they run in this process; 0: as the settings say
         */
        StudyWork work(Optional<Duration> timeLimit, int firstCard, int threads) {
            List<String> here = new ArrayList<>();
            timeLimit.ifPresent(limit -> here.add("cluster.time-limit=" + Math.max(1, limit.toSeconds()) + "s"));
            if (firstCard > 0) {
                here.add("cluster.first-card=" + firstCard);
            }
            if (threads > 0) {
                here.add("engine.threads=" + threads);
            }
            return switch (command) {
                case PRETRAIN -> new StudyWork.OfPretrain(Configs.load(PretrainConfig.class, tree, name, here, files));
                case FINETUNE -> new StudyWork.OfFinetune(Configs.load(FinetuneConfig.class, tree, name, here, files));
            };
        }
    }

    /**
     * Binds the settings of all runs.
     *
     * @param files finds the files that settings name
     * @throws dev.sparkswitch.base.UserException naming everything that is wrong in them
     */
    public static StudyPlan of(StudyConfig config, SectionFiles files) {
        Contradictions found = new Contradictions();
        List<Run> runs = new ArrayList<>();
        for (Map.Entry<String, JsonNode> variant : config.variants().entrySet()) {
            for (long seed : config.seeds()) {
                Settings settings = new Settings(
                        config.command(), tree(config, variant, seed), "the variant " + variant.getKey(), files);
                Run run = new Run(variant.getKey(), seed, settings);
                // What is wrong with one seed is wrong with all.
                if (seed == config.seeds().get(0)) {
                    found.collect(() -> run.work().requireConsistent());
                }
                runs.add(run);
            }
        }
        found.raiseLines();
        return new StudyPlan(config, runs);
    }

    private static ObjectNode tree(StudyConfig config, Map.Entry<String, JsonNode> variant, long seed) {
        JsonNode own = variant.getValue().isNull() ? JsonNodeFactory.instance.objectNode() : variant.getValue();
        Class<? extends Record> type =
                switch (config.command()) {
                    case PRETRAIN -> PretrainConfig.class;
                    case FINETUNE -> FinetuneConfig.class;
                };
        ObjectNode budget = JsonNodeFactory.instance.objectNode();
        ObjectNode training = budget.putObject("training").put("seed", seed);
        config.steps().ifPresent(steps -> training.put("steps", steps));
        config.time().ifPresent(time -> training.put("time", time.toMillis() + "ms"));
        String folder = variant.getKey() + (config.seeds().size() == 1 ? "" : "/seed-" + seed);
        budget.put("output", new Path(config.output(), folder).toString());
        return (ObjectNode) Configs.merged(type, Configs.merged(type, config.base(), own), budget);
    }

    /** The folders of the runs, in the order in which they are taken up. */
    public List<String> folders() {
        return runs.stream().map(run -> run.work().folder()).toList();
    }

    StudyConfig config() {
        return config;
    }

    List<Run> runs() {
        return runs;
    }

    /**
     * The variants with what they cost, their runs as they stand.
     *
     * @param standing how the runs of each variant stand, in the order of the seeds
     */
    List<StudyVariant> variants(Configuration hadoop, Map<String, List<StudyVariant.Run>> standing) {
        return variants(hadoop, standing, work -> work.lengths(hadoop));
    }

    private List<StudyVariant> variants(
            Configuration hadoop,
            Map<String, List<StudyVariant.Run>> standing,
            Function<StudyWork, StudyWork.Lengths> lengthsOf) {
        List<StudyVariant> variants = new ArrayList<>();
        for (String name : config.variants().keySet()) {
            StudyWork work = runs.stream()
                    .filter(run -> run.variant().equals(name))
                    .findFirst()
                    .orElseThrow()
                    .work();
            T5Config model = work.model(hadoop);
            StudyWork.Lengths lengths = lengthsOf.apply(work);
            int rows = work.training().rows();
            variants.add(new StudyVariant(
                    name,
                    model.sparse().map(SwitchConfig::experts).orElse(0),
                    model.sparse().map(StudyPlan::capacity).orElse("–"),
                    ParameterSpecs.count(model),
                    StepFlops.of(model, rows, lengths.inputs(), lengths.targets()),
                    (long) rows * lengths.all(),
                    rows,
                    standing.getOrDefault(name, List.of())));
        }
        return variants;
    }

    private static String capacity(SwitchConfig sparse) {
        return sparse.capacity().mode() == CapacityMode.GROUP
                ? Double.toString(sparse.capacity().trainFactor())
                : sparse.capacity().tokens() + " tokens";
    }

    /** Prints what the variants cost beside the baseline. */
    public void print(Configuration hadoop, PrintWriter out) {
        print(variants(hadoop, Map.of()), out);
    }

    /** The same for a plan whose shards need not be there yet: rows are as long as T5's then. */
    public void printPlanned(Configuration hadoop, PrintWriter out) {
        try {
            print(hadoop, out);
        } catch (UserException e) {
            out.printf("# Of rows of %d + %d positions (%s)%n", T5_ROWS.inputs(), T5_ROWS.targets(), e.getMessage());
            print(variants(hadoop, Map.of(), work -> T5_ROWS), out);
        }
    }

    private void print(List<StudyVariant> variants, PrintWriter out) {
        double base = variants.stream()
                .filter(variant -> variant.name().equals(config.comparedWith()))
                .findFirst()
                .orElseThrow()
                .flopsAToken();
        out.printf(
                Locale.ROOT,
                "  %-20s %7s %8s %14s %14s %10s%n",
                "variant",
                "experts",
                "capacity",
                "parameters, M",
                "GFLOP a token",
                "of " + config.comparedWith());
        for (StudyVariant variant : variants) {
            out.printf(
                    Locale.ROOT,
                    "  %-20s %7s %8s %14.1f %14.5f %9.3fx%n",
                    variant.name(),
                    variant.experts() == 0 ? "-" : Integer.toString(variant.experts()),
                    variant.experts() == 0 ? "-" : variant.capacity(),
                    variant.parameters() / MEGA,
                    variant.flopsAToken() / GIGA,
                    variant.flopsAToken() / base);
        }
        out.flush();
    }
}
