package dev.sparkswitch.jobs.run;

import static org.apache.spark.sql.functions.col;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sparkswitch.base.Configs;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.Manifests;
import dev.sparkswitch.base.Progress;
import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.corpus.Failures;
import dev.sparkswitch.corpus.InputFiles;
import dev.sparkswitch.corpus.JobResult;
import dev.sparkswitch.corpus.Vocabulary;
import dev.sparkswitch.eval.task.Prompt;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.DataFrameWriter;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.util.LongAccumulator;

/** Writes an answer to every row of an input over all executors; goes on where it was stopped. */
public final class Generate {
    /** The kind of the output's manifest. */
    public static final String KIND = "generation";
    /** Where the rows with their answers lie. */
    public static final String DATA = "data";

    private static final String ANSWERS = "answers";
    private static final RunFolder.Work WORK =
            new RunFolder.Work(KIND, "generation", List.of("from", "vocabulary", "output", "engine", "rows"));

    private Generate() {}

    /**
     * Generates, or finds that it is done.
     *
     * @throws UserException where the model, the vocabulary or the input is missing or does not fit, naming the row
     */
    public static JobResult run(TrainingRun.SparkSource source, Configuration hadoop, GenerateConfig config) {
        TrainedModel model = TrainedModel.open(hadoop, config.from(), config.vocabulary());
        config.generation().requireFit(model.config());
        InputFiles input = InputFiles.find(hadoop, config.input().paths());
        List<Manifest.Input> inputs = new ArrayList<>();
        inputs.add(model.input());
        inputs.add(new Manifest.Input(
                "vocabulary",
                model.vocabulary().folder().toString(),
                model.vocabulary().hash()));
        inputs.addAll(input.asInputs(hadoop));
        ObjectNode tree = Configs.toTree(config);
        RunFolder folder = RunFolder.open(hadoop, config.output(), WORK, tree, inputs);
        Optional<Manifest> finished = folder.finished();
        if (finished.isPresent()) {
            return new JobResult(folder.path(), finished.get(), true);
        }
        folder.begin();
        SparkSession spark = source.start();
        RowSource rows = new RowSource(spark, config, input);
        try {
            write(spark, folder, config, model.vocabulary(), rows);
        } catch (Exception e) {
            throw Failures.explained(e, "the input");
        }
        Manifest.Builder manifest = Manifest.builder(KIND)
                .seed(config.generation().seed())
                .config(tree)
                .count("rows", rows.rows())
                .property(Vocabulary.HASH, model.vocabulary().hash())
                .property("format", config.outputFormat().name().toLowerCase(Locale.ROOT));
        inputs.forEach(manifest::input);
        for (String name : rename(folder)) {
            manifest.file(Manifests.entry(folder.files(), folder.path(), DATA + "/" + name, new TreeMap<>()));
        }
        Manifest done = folder.commit(manifest.build());
        delete(folder, ANSWERS);
        return new JobResult(folder.path(), done, false);
    }

    private static void write(
            SparkSession spark, RunFolder folder, GenerateConfig config, Vocabulary vocabulary, RowSource source) {
        Map<String, String> hadoop = TrainingRun.hadoopSettings(spark);
        Answerer.Settings settings = new Answerer.Settings(
                TrainingRun.qualified(spark.sparkContext().hadoopConfiguration(), config.from()),
                vocabulary.model(),
                Configs.toTree(config.engine()).toString(),
                Configs.toTree(config.generation()).toString(),
                config.inputs(),
                config.tooLong(),
                config.rows(),
                hadoop);
        delete(folder, DATA);
        Dataset<Row> numbered = source.numbered();
        RowTexts texts = new RowTexts(Prompt.of(config.prompt()), config.answerColumn());
        RowCheck.run(numbered, texts, settings);
        long parts = (source.rows() - 1) / config.partRows() + 1;
        int partitions = (int) Math.min(parts, spark.sparkContext().defaultParallelism());
        Column part = col("`" + RowSource.NUMBER + "`").divide((double) config.partRows());
        Column partition = part.cast("long").multiply(partitions).divide((double) parts);
        LongAccumulator done = spark.sparkContext().longAccumulator("rows with answers");
        try (Progress progress = Progress.start("generate", "rows", source.rows())) {
            RowProgress watch = new RowProgress(progress, done.id());
            spark.sparkContext().addSparkListener(watch);
            try {
                Dataset<Row> answered = numbered.repartitionById(partitions, partition.cast("int"))
                        .sortWithinPartitions("`" + RowSource.NUMBER + "`")
                        .mapPartitions(
                                new GenerateTask(
                                        settings,
                                        new AnswerParts(new Path(folder.path(), ANSWERS).toString(), hadoop),
                                        texts,
                                        config.partRows(),
                                        done),
                                Encoders.row(schema(numbered.schema(), config)));
                String data = new Path(folder.path(), DATA).toString();
                DataFrameWriter<Row> writer =
                        answered.write().option("mapreduce.fileoutputcommitter.marksuccessfuljobs", "false");
                switch (config.outputFormat()) {
                    case JSON -> writer.text(data);
                    case PARQUET -> writer.parquet(data);
                }
                progress.at(source.rows());
            } finally {
                spark.sparkContext().removeSparkListener(watch);
            }
        }
    }

    /** The columns of a row with its answer: its own and the answer, or the line of JSON that holds all of them. */
    private static StructType schema(StructType numbered, GenerateConfig config) {
        StructField[] own = Arrays.copyOf(numbered.fields(), numbered.length() - 2);
        if (own.length == 0) {
            return new StructType().add("value", DataTypes.StringType);
        }
        for (StructField field : own) {
            if (field.name().equals(config.answerColumn())) {
                throw new UserException(
                        "The input has a column '" + config.answerColumn() + "' already; name another answer-column.");
            }
        }
        return new StructType(own).add(config.answerColumn(), DataTypes.StringType);
    }

    /** Gives the files that Spark named at random the names {@code part-00000} and so on, in order of their rows. */
    private static List<String> rename(RunFolder folder) {
        Path data = new Path(folder.path(), DATA);
        try {
            FileStatus[] written =
                    folder.files().listStatus(data, path -> path.getName().startsWith("part-"));
            Arrays.sort(written, Comparator.comparing(FileStatus::getPath));
            List<String> names = new ArrayList<>();
            for (FileStatus file : written) {
                String name = file.getPath().getName();
                boolean parquet = name.endsWith(".parquet");
                names.add(String.format(Locale.ROOT, "part-%05d.%s", names.size(), parquet ? "parquet" : "jsonl"));
                Path target = new Path(data, names.get(names.size() - 1));
                if (!folder.files().rename(file.getPath(), target)) {
                    throw new IOException("renaming " + file.getPath() + " failed");
                }
            }
            for (FileStatus hidden :
                    folder.files().listStatus(data, path -> path.getName().startsWith("."))) {
                folder.files().delete(hidden.getPath(), false);
            }
            return names;
        } catch (IOException e) {
            throw unwritable(folder, e);
        }
    }

    private static void delete(RunFolder folder, String name) {
        try {
            FileSystem files = folder.files();
            files.delete(new Path(folder.path(), name), true);
        } catch (IOException e) {
            throw unwritable(folder, e);
        }
    }

    private static ResourceException unwritable(RunFolder folder, IOException e) {
        return new ResourceException(
                "The folder " + folder.path() + " cannot be written (" + e.getMessage()
                        + "): check the disk's space and your rights.",
                e);
    }
}
