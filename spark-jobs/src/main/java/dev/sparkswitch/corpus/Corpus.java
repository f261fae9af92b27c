package dev.sparkswitch.corpus;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.substring;

import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.Manifests;
import dev.sparkswitch.base.UserException;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/**
 * A finished corpus: Parquet files with one row a document, a folder a split. The id is the hash of the text, so equal texts have equal
 * ids and the order by id is a random one that nothing else decides.
 */
public final class Corpus {
    static final String ID = "id";
    static final String TEXT = "text";
    static final String LANGUAGE = "language";
    static final String SOURCE = "source";
    /** Where in the source: see {@link dev.sparkswitch.corpus.input.RawDocument#position}. */
    static final String POSITION = "position";

    static final String URL = "url";
    static final String SPLIT = "split";

    /** The columns of the files. */
    static final StructType SCHEMA = new StructType()
            .add(ID, DataTypes.StringType)
            .add(TEXT, DataTypes.StringType)
            .add(LANGUAGE, DataTypes.StringType)
            .add(SOURCE, DataTypes.StringType)
            .add(POSITION, DataTypes.LongType)
            .add(URL, DataTypes.StringType)
            .add(SPLIT, DataTypes.StringType);

    private static final int MEASURED = 2000;
    private static final int MEASURED_CHARACTERS = 20_000;

    private final Path folder;
    private final Manifest manifest;

    private Corpus(Path folder, Manifest manifest) {
        this.folder = folder;
        this.manifest = manifest;
    }

    /**
     * Opens the corpus in {@code folder}.
     *
     * @throws UserException if there is none, or if a file is missing or has another size than it was written with
     */
    public static Corpus open(Configuration hadoop, String folder) {
        Path path = new Path(folder);
        FileSystem files = OutputFolder.fileSystem(hadoop, path);
        Manifest manifest = Manifests.require(files, path, Manifest.CORPUS);
        Manifests.verifySizes(files, path, manifest);
        return new Corpus(files.makeQualified(path), manifest);
    }

    public Manifest manifest() {
        return manifest;
    }

    /** The corpus as what the next job is made from. */
    Manifest.Input asInput() {
        return asInput("corpus");
    }

    /** The same, called {@code name} there. */
    Manifest.Input asInput(String name) {
        return manifest.asInput(name, folder.toString());
    }

    /** The documents of a split, as the manifest counts them. */
    long documents(Split split) {
        return manifest.counts().getOrDefault("documents-" + split.text(), 0L);
    }

    /** All documents, with the columns of {@link #SCHEMA}, in no particular order. */
    public Dataset<Row> documents(SparkSession spark) {
        String[] paths = manifest.files().stream()
                .map(file -> new Path(folder, file.path()).toString())
                .toArray(String[]::new);
        // The splits are folders, whose names Spark reads below this one.
        return spark.read()
                .schema(SCHEMA)
                .option("basePath", new Path(folder, OutputFolder.DATA).toString())
                .parquet(paths)
                .selectExpr(SCHEMA.fieldNames());
    }

    /** The texts that are trained on. */
    public Dataset<String> trainingTexts(SparkSession spark) {
        return documents(spark, Split.TRAIN).select(TEXT).as(Encoders.STRING());
    }

    /**
     * Some documents to measure on, at most {@value #MEASURED}: held-out ones, or where there are none those that are
     * trained on; with their languages, their beginnings alone.
     */
    List<Row> measured(SparkSession spark) {
        for (Split split : List.of(Split.HELD_OUT, Split.TRAIN)) {
            List<Row> documents = documents(spark, split)
                    .orderBy(ID)
                    .limit(MEASURED)
                    .select(
                            col(LANGUAGE),
                            substring(col(TEXT), 1, MEASURED_CHARACTERS).as(TEXT))
                    .collectAsList();
            if (!documents.isEmpty()) {
                return documents;
            }
        }
        return List.of();
    }

    Dataset<Row> documents(SparkSession spark, Split split) {
        return documents(spark).filter(col(SPLIT).equalTo(split.text()));
    }
}
