package dev.sparkswitch.jobs;

import dev.sparkswitch.base.Setting;
import dev.sparkswitch.bench.CardRates;
import dev.sparkswitch.bench.StepPlan;
import dev.sparkswitch.model.ParameterSpec;
import dev.sparkswitch.model.ParameterSpecs;
import dev.sparkswitch.model.Recomputation;
import dev.sparkswitch.model.Role;
import dev.sparkswitch.model.SwitchConfig;
import dev.sparkswitch.model.T5Config;
import dev.sparkswitch.train.OptimizerKind;
import java.util.Optional;
import java.util.Set;

/**
 * The settings of {@code plan}.
 *
 * @param model the model
 * @param card the rates of a card
 * @param cards how many there are
 * @param cardsAHost how many of them share a host
 * @param rows rows a card and step; the best of what fits where not given
 * @param expertParallel cards a copy of the experts; the best where not given
 * @param inputs input positions a row
 * @param targets target positions a row
 * @param optimizer the rule of the updates
 * @param recomputation what a backward pass makes again
 * @param exchangeChunks parts in which a rank's experts exchange tokens
 */
public record PlanConfig(
        @Setting(help = "the model, or a file of conf/models")
        T5Config model,

        @Setting(help = "the rates of a card, or a file of conf/cards")
        CardRates card,

        @Setting(value = "1", help = "cards") int cards,

        @Setting(value = "8", help = "cards that share a host")
        int cardsAHost,

        @Setting(help = "rows a card and step; by default the best of what fits")
        Optional<Integer> rows,

        @Setting(help = "cards over which one copy of the experts is spread; by default the best")
        Optional<Integer> expertParallel,

        @Setting(value = "512", help = "input positions a row")
        int inputs,

        @Setting(value = "114", help = "target positions a row")
        int targets,

        @Setting(value = "adafactor", help = "adafactor or adamw")
        OptimizerKind optimizer,

        @Setting(value = "none", help = "what a backward pass makes again instead of keeping it: none or branches")
        Recomputation recomputation,

        @Setting(value = "0", help = "parts in which a rank's experts exchange tokens, at most one for each; 0 chooses")
        int exchangeChunks) {
    public PlanConfig {
        if (cards < 1 || cardsAHost < 1) {
            throw new IllegalArgumentException(
                    "cards " + cards + " and cards-a-host " + cardsAHost + " must be at least 1");
        }
    }

    StepPlan.Question question() {
        return new StepPlan.Question(
                model, inputs, targets, optimizer, recomputation, exchangeChunks, cardsAHost, card);
    }

    /** Bytes of the weights that a card holds when a copy of the experts is spread over {@code spread} cards. */
    double weightBytes(int spread) {
        double bytes = 0;
        for (ParameterSpec spec : ParameterSpecs.of(model)) {
            bytes += (double) spec.count() * Float.BYTES / (spec.role() == Role.EXPERT ? spread : 1);
        }
        return bytes;
    }

    /** Rows of a routing group: a card takes whole ones. */
    int groupRows() {
        return model.sparse().map(sparse -> sparse.capacity().rowsOfGroup()).orElse(1);
    }

    /** Whether the experts of every sparse layer can be spread evenly over {@code spread} cards, and copies over all. */
    boolean divides(int spread) {
        return cards % spread == 0 && expertCounts().stream().allMatch(experts -> experts % spread == 0);
    }

    /** Each number of experts that a sparse layer has. */
    Set<Integer> expertCounts() {
        return model.sparse().map(SwitchConfig::expertCounts).orElse(Set.of());
    }
}
