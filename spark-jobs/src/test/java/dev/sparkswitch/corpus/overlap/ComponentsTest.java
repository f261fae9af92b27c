package dev.sparkswitch.corpus.overlap;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sparkswitch.corpus.LocalSpark;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.stream.LongStream;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.Test;

class ComponentsTest {
    private static final StructType EDGES =
            new StructType().add(Components.NODE, DataTypes.LongType).add(Components.ROOT, DataTypes.LongType);

    private int rounds;

    private <T> T counted(String step, Supplier<T> action) {
        rounds++;
        return action.get();
    }

    private Map<Long, Long> components(List<long[]> edges, int partitions) {
        SparkSession spark = LocalSpark.session().newSession();
        spark.conf().set("spark.sql.adaptive.enabled", "false");
        List<Row> rows = new ArrayList<>();
        edges.forEach(edge -> rows.add(RowFactory.create(Math.max(edge[0], edge[1]), Math.min(edge[0], edge[1]))));
        rounds = 0;
        Dataset<Row> found = new Components("test", this::counted, partitions).of(spark.createDataFrame(rows, EDGES));
        Map<Long, Long> roots = new TreeMap<>();
        found.collectAsList().forEach(row -> assertThat(roots.put(row.getLong(0), row.getLong(1)))
                .as("only one row of a node")
                .isNull());
        found.unpersist();
        return roots;
    }

    /** Every node but the smallest of its component to that one, by union-find. */
    private static Map<Long, Long> expected(List<long[]> edges) {
        Map<Long, Long> parents = new HashMap<>();
        for (long[] edge : edges) {
            long one = root(parents, edge[0]);
            long other = root(parents, edge[1]);
            parents.put(Math.max(one, other), Math.min(one, other));
        }
        Map<Long, Long> roots = new TreeMap<>();
        for (long node : List.copyOf(parents.keySet())) {
            if (root(parents, node) != node) {
                roots.put(node, root(parents, node));
            }
        }
        return roots;
    }

    private static long root(Map<Long, Long> parents, long node) {
        long at = node;
        parents.putIfAbsent(at, at);
        while (parents.get(at) != at) {
            at = parents.get(at);
        }
        return at;
    }

    /** A sparse random graph: many components of all sizes, some edges twice. */
    private static List<long[]> random(int nodes, int edges, long seed) {
        Random random = new Random(seed);
        long[] names = random.longs(nodes).toArray();
        List<long[]> graph = new ArrayList<>();
        while (graph.size() < edges) {
            int one = random.nextInt(nodes);
            int other = random.nextInt(nodes);
            if (one != other) {
                graph.add(new long[] {names[one], names[other]});
            }
            if (graph.size() % 10 == 1) {
                graph.add(graph.get(random.nextInt(graph.size())));
            }
        }
        return graph;
    }

    /** The edges of a path over {@code names}. */
    private static List<long[]> path(long[] names) {
        List<long[]> path = new ArrayList<>();
        for (int i = 1; i < names.length; i++) {
            path.add(new long[] {names[i - 1], names[i]});
        }
        return path;
    }

    /** Trees of all shapes, a path in order and one in none, a node with thousands of neighbours: each a component or more. */
    private static List<long[]> graph() {
        List<long[]> edges = random(1000, 650, 1);
        edges.addAll(path(new Random(7).longs(1500).toArray()));
        edges.addAll(path(LongStream.range(0, 500).toArray()));
        for (int i = 0; i < 5000; i++) {
            edges.add(new long[] {2_000_000, 1_000_000 + i});
        }
        return edges;
    }

    @Test
    void componentsAreThoseOfUnionFindHoweverManyPartitions() {
        List<long[]> edges = graph();
        Map<Long, Long> expected = expected(edges);
        assertThat(expected).containsEntry(2_000_000L, 1_000_000L).containsEntry(499L, 0L);
        for (int partitions : new int[] {1, 3, 17}) {
            Collections.shuffle(edges, new Random(partitions));
            assertThat(components(edges, partitions)).isEqualTo(expected);
            // The logarithm of the longest path, not its length.
            assertThat(rounds).isLessThan(12);
        }
    }

    @Test
    void noEdgesGiveNoComponents() {
        assertThat(components(List.of(), 1)).isEmpty();
    }
}
