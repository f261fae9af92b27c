package dev.sparkswitch.corpus;

import dev.sparkswitch.arrow.Packing;
import dev.sparkswitch.arrow.ShardLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * Puts examples into rows, greedily and in their order: an example goes into the row at hand if its inputs and its targets
 * both fit there, otherwise that row is finished and the example starts the next one ({@code trim_and_pack_dataset} of
 * seqio). Without packing every example is a row.
 */
final class RowPacker {
    /** Takes finished rows. */
    interface Rows {
        void add(List<int[]> inputs, List<int[]> targets);
    }

    private final ShardLayout layout;
    private final Rows rows;
    private List<int[]> inputs = new ArrayList<>();
    private List<int[]> targets = new ArrayList<>();
    private int inputTokens;
    private int targetTokens;

    RowPacker(ShardLayout layout, Rows rows) {
        this.layout = layout;
        this.rows = rows;
    }

    void add(Objective.Example example) {
        if (!inputs.isEmpty() && !fits(example)) {
            finish();
        }
        inputs.add(example.inputs());
        targets.add(example.targets());
        inputTokens += example.inputs().length;
        targetTokens += example.targets().length;
    }

    private boolean fits(Objective.Example example) {
        return layout.packing() == Packing.SEGMENTS
                && inputTokens + example.inputs().length <= layout.inputLength()
                && targetTokens + example.targets().length <= layout.targetLength();
    }

    /** Hands over the row at hand, if there is one. */
    void finish() {
        if (inputs.isEmpty()) {
            return;
        }
        rows.add(inputs, targets);
        inputs = new ArrayList<>();
        targets = new ArrayList<>();
        inputTokens = 0;
        targetTokens = 0;
    }
}
