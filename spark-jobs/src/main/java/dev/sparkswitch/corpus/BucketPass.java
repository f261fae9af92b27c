package dev.sparkswitch.corpus;

import dev.sparkswitch.arrow.Packing;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.SortedMap;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/** The examples of all buckets on their way to the shards, each as often as its source is gone through. */
record BucketPass(BucketFiles files, Recipe recipe) implements Serializable {
    static final String SHARD = "shard";
    static final String KEY = "key";
    static final String BUCKET = "bucket";
    static final String EXAMPLE = "example";
    static final String PASS = "pass";

    private static final StructType SCHEMA = new StructType()
            .add(SHARD, DataTypes.IntegerType)
            .add(KEY, DataTypes.LongType)
            .add(BUCKET, DataTypes.IntegerType)
            .add(EXAMPLE, DataTypes.LongType)
            .add(PASS, DataTypes.IntegerType)
            .add("tokens", DataTypes.BinaryType);

    /** A bucket's file. */
    private record Bucket(int number, long examples) implements Serializable {}

    static Objective.Place place(Row row) {
        return new Objective.Place(row.getInt(2), row.getLong(3), row.getInt(4));
    }

    static RawExample example(Row row) {
        return RawExample.parse((byte[]) row.get(5));
    }

    static int shard(Row row) {
        return row.getInt(0);
    }

    private static JavaRDD<Bucket> buckets(SparkSession spark, SortedMap<Integer, Long> counts, int partitions) {
        List<Bucket> buckets = new ArrayList<>();
        counts.forEach((number, examples) -> buckets.add(new Bucket(number, examples)));
        return JavaSparkContext.fromSparkContext(spark.sparkContext())
                .parallelize(buckets, Math.max(1, Math.min(partitions, buckets.size())));
    }

    /** Where all keys lie, the text's tokens and, where {@code packing} needs them, the examples' lengths. */
    Survey survey(SparkSession spark, SortedMap<Integer, Long> counts, Packing packing, int partitions) {
        return buckets(spark, counts, partitions)
                .map(bucket -> survey(bucket, packing))
                .treeAggregate(new Survey(recipe.vocabularySize()), Survey::merge, Survey::merge);
    }

    private Survey survey(Bucket bucket, Packing packing) {
        Survey survey = new Survey(recipe.vocabularySize());
        try (BucketFiles.Reading reading = files.read(bucket.number, bucket.examples)) {
            for (long example = 0; reading.hasNext(); example++) {
                RawExample raw = RawExample.parse(reading.next());
                int passes = recipe.passes(bucket.number, example);
                for (int token : raw.tokens()) {
                    if (recipe.isText(token)) {
                        survey.tokens().add(token, passes);
                    }
                }
                for (int pass = 0; pass < passes; pass++) {
                    Lot lot = Lot.of(recipe.seed(), new Objective.Place(bucket.number, example, pass));
                    survey.add(lot.key());
                }
                if (packing == Packing.SEGMENTS && passes > 0) {
                    // The lengths of other passes are others, but not much: they decide on nothing but shards' sizes.
                    survey.addLengths(recipe.example(raw, new Objective.Place(bucket.number, example, 0)), passes);
                }
            }
        }
        return survey;
    }

    /**
     * The examples of the shards that are wanted: a partition for each shard, in the order of the shuffle.
     *
     * @param wanted by shard
     */
    Dataset<Row> shuffled(
            SparkSession spark, SortedMap<Integer, Long> counts, ShufflePlan plan, boolean[] wanted, int partitions) {
        JavaRDD<Row> rows =
                buckets(spark, counts, partitions).flatMap(bucket -> new Examples(bucket, plan, wanted.clone()));
        return spark.createDataFrame(rows, SCHEMA)
                .repartitionById(plan.shards(), org.apache.spark.sql.functions.col(SHARD))
                .sortWithinPartitions(KEY, BUCKET, EXAMPLE, PASS);
    }

    /** The rows of one bucket. */
    private final class Examples implements Iterator<Row> {
        private final Bucket bucket;
        private final ShufflePlan plan;
        private final boolean[] wanted;
        private final BucketFiles.Reading reading;
        private byte[] bytes;
        private long example = -1;
        private int pass;
        private int passes;
        private Row next;

        Examples(Bucket bucket, ShufflePlan plan, boolean[] wanted) {
            this.bucket = bucket;
            this.plan = plan;
            this.wanted = wanted;
            this.reading = files.read(bucket.number, bucket.examples);
        }

        @Override
        public boolean hasNext() {
            while (next == null && (pass < passes || reading.hasNext())) {
                if (pass == passes) {
                    bytes = reading.next();
                    example++;
                    pass = 0;
                    passes = recipe.passes(bucket.number, example);
                } else {
                    long key = Lot.of(recipe.seed(), new Objective.Place(bucket.number, example, pass))
                            .key();
                    int shard = plan.shard(key);
                    if (wanted[shard]) {
                        next = RowFactory.create(shard, key, bucket.number, example, pass, bytes);
                    }
                    pass++;
                }
            }
            return next != null;
        }

        @Override
        public Row next() {
            if (!hasNext()) {
                throw new java.util.NoSuchElementException("no example is left");
            }
            Row row = next;
            next = null;
            return row;
        }
    }
}
