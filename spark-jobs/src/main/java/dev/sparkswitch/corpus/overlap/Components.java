package dev.sparkswitch.corpus.overlap;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.max;

import java.util.Iterator;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.storage.StorageLevel;

/**
 * Connected components by alternating large-star and small-star (Kiveris, Lattanzi, Mirrokni, Rastogi and Vassilvitskii
 * 2014, "Connected Components in MapReduce and Beyond"): every round hangs neighbours of a node onto the smallest of them
 * until each component is a star around its smallest node. About log(n) rounds of two shuffles.
 *
 * <p>Neighbours of a node come in order and are streamed, so a node with a hundred million of them takes no more memory than
 * one with two; sorting spills to disk. The result is a function of the edges alone.
 */
public final class Components {
    /** The greater node of an edge; of the result, a node that is not its component's smallest. */
    public static final String NODE = "node";
    /** The smaller node of an edge; of the result, the smallest node of the component. */
    public static final String ROOT = "root";

    private static final String CHANGED = "changed";

    /** Rows of node, a smaller node, and whether this round made the edge another one. */
    private static final StructType SCHEMA = new StructType()
            .add(NODE, DataTypes.LongType, false)
            .add(ROOT, DataTypes.LongType, false)
            .add(CHANGED, DataTypes.BooleanType, false);

    private final String name;
    private final Actions actions;
    private final int partitions;

    /**
     * @param name of the graph, for the person who waits
     * @param partitions of the work, on which the result does not depend
     */
    public Components(String name, Actions actions, int partitions) {
        this.name = name;
        this.actions = actions;
        this.partitions = partitions;
    }

    /**
     * @param edges rows of {@link #NODE} and {@link #ROOT}, 64-bit numbers, the node being the greater; may recur
     * @return a row for every node but the smallest of each component; persisted, for the caller to release
     */
    public Dataset<Row> of(Dataset<Row> edges) {
        Dataset<Row> from = edges.select(NODE, ROOT);
        Dataset<Row> last = null;
        for (int round = 1; ; round++) {
            Dataset<Row> next = smallStar(largeStar(from)).persist(StorageLevel.MEMORY_AND_DISK());
            Row changed = actions.run(
                    name + ", round " + round, () -> next.agg(max(CHANGED)).head());
            if (last != null) {
                last.unpersist();
            }
            if (changed.isNullAt(0) || !changed.getBoolean(0)) {
                return next;
            }
            last = next;
            // A plan of its own: each round uses the one before twice, so that with it plans would double every time.
            from = edges.sparkSession()
                    .createDataFrame(next.toJavaRDD(), SCHEMA)
                    .select(NODE, ROOT);
        }
    }

    /** Every neighbour that is greater than a node is hung onto the node's smallest neighbour, itself included. */
    private Dataset<Row> largeStar(Dataset<Row> edges) {
        Dataset<Row> both = edges.union(edges.select(col(ROOT), col(NODE)));
        return star(both, new Star(Star.Kind.LARGE));
    }

    /** A node and its smaller neighbours are hung onto the smallest of these. */
    private Dataset<Row> smallStar(Dataset<Row> edges) {
        return star(edges, new Star(Star.Kind.SMALL));
    }

    private Dataset<Row> star(Dataset<Row> edges, Star star) {
        return edges.repartition(partitions, col(NODE))
                .sortWithinPartitions(NODE, ROOT)
                .mapPartitions((MapPartitionsFunction<Row, Row>) star::over, Encoders.row(SCHEMA));
    }

    /** One star operation over rows in order of node and neighbour. */
    private record Star(Kind kind) implements java.io.Serializable {
        enum Kind {
            LARGE,
            SMALL
        }

        Iterator<Row> over(Iterator<Row> rows) {
            return new Pass(kind, rows);
        }
    }

    /** One partition on its way through a star operation; holds one row. */
    private static final class Pass extends RowIterator {
        private final Star.Kind kind;
        private final Iterator<Row> rows;
        private boolean started;
        private long node;
        private long least;
        private long neighbour;

        Pass(Star.Kind kind, Iterator<Row> rows) {
            this.kind = kind;
            this.rows = rows;
        }

        @Override
        Row advance() {
            while (rows.hasNext()) {
                Row row = rows.next();
                boolean same = started && row.getLong(0) == node;
                boolean changed = row.length() > 2 && row.getBoolean(2);
                if (same && row.getLong(1) == neighbour && !changed) {
                    continue;
                }
                node = row.getLong(0);
                neighbour = row.getLong(1);
                if (!same) {
                    started = true;
                    least = kind == Star.Kind.LARGE ? Math.min(node, neighbour) : neighbour;
                }
                Row edge = edge(changed, same);
                if (edge != null) {
                    return edge;
                }
            }
            return null;
        }

        private Row edge(boolean changed, boolean same) {
            return switch (kind) {
                case LARGE -> neighbour > node ? RowFactory.create(neighbour, least, least != node) : null;
                case SMALL ->
                    neighbour == least
                            ? RowFactory.create(node, least, changed)
                            : RowFactory.create(neighbour, least, true);
            };
        }
    }
}
