package dev.sparkswitch.eval.report;

import dev.sparkswitch.eval.metric.Scores;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Figures of W. Fedus, B. Zoph, N. Shazeer, "Switch Transformers: scaling to trillion parameter models with simple and
 * efficient sparsity" (2022), table 5, for a reader's orientation. Nothing is computed from them.
 */
final class Published {
    private static final List<String> MODELS = List.of("T5-Base", "Switch-Base", "T5-Large", "Switch-Large");

    /** @param values by {@link #MODELS} */
    private record Figure(String task, String score, String label, List<String> values) {}

    private static final List<Figure> FIGURES = List.of(
            new Figure("squad", "exact-match", "SQuAD", List.of("85.5", "87.2", "88.1", "88.6")),
            new Figure("superglue", "", "SuperGLUE", List.of("75.1", "79.5", "82.7", "84.7")),
            new Figure("xsum", "rouge2", "XSum", List.of("18.7", "20.3", "20.9", "22.3")));

    private Published() {}

    /** Measured figures beside the published ones of the same tasks, each in columns of its own; none where none match. */
    static List<Block> beside(String system, List<Scores> measured, Optional<Double> superGlue) {
        Table table = Table.captioned("Only the column \"" + system + ", measured\" was computed here. The others are"
                        + " copied from the paper (SQuAD: exact match, XSum: ROUGE-2): other training data, steps and hardware, best checkpoint of a sweep."
                        + " Differences to them are no result of this evaluation.")
                .column("Figure", Table.Kind.TEXT)
                .column(system + ", measured", Table.Kind.NUMBER);
        MODELS.forEach(model -> table.column(model + ", published", Table.Kind.NUMBER));
        List<Block> blocks = new ArrayList<>();
        for (Figure figure : FIGURES) {
            Optional<Double> own = figure.task().equals("superglue") ? superGlue : own(figure, measured);
            if (own.isEmpty()) {
                continue;
            }
            table.startRow().cell(figure.label()).cell(Numbers.decimal(own.get(), 1));
            figure.values().forEach(table::cell);
            blocks = List.of(
                    table,
                    new Prose("Published: W. Fedus, B. Zoph, N. Shazeer, Switch Transformers, JMLR"
                            + " 23 (2022), table 5."));
        }
        return blocks;
    }

    private static Optional<Double> own(Figure figure, List<Scores> measured) {
        return measured.stream()
                .filter(scores -> scores.task().equals(figure.task()))
                .flatMap(scores -> scores.scores().stream())
                .filter(score -> score.name().equals(figure.score()))
                .map(Scores.Score::value)
                .findFirst();
    }
}
