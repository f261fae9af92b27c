package dev.sparkswitch.corpus;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sparkswitch.arrow.Packing;
import dev.sparkswitch.arrow.ShardLayout;
import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class RowPackerTest {
    /** The lengths of inputs and targets, row by row, of examples given by theirs. */
    private static List<List<List<Integer>>> pack(Packing packing, List<List<Integer>> lengths) {
        List<List<List<Integer>>> rows = new ArrayList<>();
        RowPacker packer = new RowPacker(new ShardLayout(10, 6, packing), (inputs, targets) -> {
            List<List<Integer>> row = new ArrayList<>();
            for (int i = 0; i < inputs.size(); i++) {
                row.add(List.of(inputs.get(i).length, targets.get(i).length));
            }
            rows.add(row);
        });
        for (List<Integer> length : lengths) {
            packer.add(new Objective.Example(new int[length.get(0)], new int[length.get(1)]));
        }
        packer.finish();
        return rows;
    }

    @Test
    void anExampleGoesWhereInputsAndTargetsBothFit() {
        List<List<Integer>> examples =
                List.of(List.of(4, 2), List.of(6, 4), List.of(3, 5), List.of(3, 2), List.of(8, 1), List.of(2, 5));
        assertThat(pack(Packing.SEGMENTS, examples))
                .containsExactly(
                        List.of(List.of(4, 2), List.of(6, 4)),
                        // The targets of (3, 2) would be one too many.
                        List.of(List.of(3, 5)),
                        // The inputs of (8, 1) would.
                        List.of(List.of(3, 2)),
                        List.of(List.of(8, 1), List.of(2, 5)));
    }

    @Test
    void withoutPackingEveryExampleIsARow() {
        assertThat(pack(Packing.NONE, List.of(List.of(1, 1), List.of(1, 1))))
                .containsExactly(List.of(List.of(1, 1)), List.of(List.of(1, 1)));
    }

    @Property(tries = 200)
    void rowsKeepTheOrderFitAndTakeWhatFits(
            @ForAll @Size(max = 40) List<@IntRange(min = 1, max = 10) Integer> inputs,
            @ForAll @Size(min = 40, max = 40) List<@IntRange(min = 1, max = 6) Integer> targets) {
        List<List<Integer>> examples = new ArrayList<>();
        for (int i = 0; i < inputs.size(); i++) {
            examples.add(List.of(inputs.get(i), targets.get(i)));
        }
        List<List<List<Integer>>> rows = pack(Packing.SEGMENTS, examples);
        assertThat(rows.stream().flatMap(List::stream)).containsExactlyElementsOf(examples);
        for (int row = 0; row < rows.size(); row++) {
            assertThat(sum(rows.get(row), 0)).isLessThanOrEqualTo(10);
            assertThat(sum(rows.get(row), 1)).isLessThanOrEqualTo(6);
            if (row > 0) {
                List<Integer> first = rows.get(row).get(0);
                assertThat(sum(rows.get(row - 1), 0) + first.get(0) > 10
                                || sum(rows.get(row - 1), 1) + first.get(1) > 6)
                        .isTrue();
            }
        }
    }

    private static int sum(List<List<Integer>> row, int side) {
        return row.stream().mapToInt(example -> example.get(side)).sum();
    }
}
