package dev.sparkswitch.model;

import dev.sparkswitch.engine.Activation;
import java.util.List;

/** What dense and sparse feed-forward layers share: names and activation of a form. */
final class FeedForwards {
    private FeedForwards() {}

    /** The matrices that take the input, in the order in which the activation expects their results. */
    static List<String> inputNames(FeedForward form, String prefix) {
        return switch (form) {
            case RELU -> List.of(prefix + ".wi.weight");
            case GATED_GELU -> List.of(prefix + ".wi_0.weight", prefix + ".wi_1.weight");
        };
    }

    static String outputName(String prefix) {
        return prefix + ".wo.weight";
    }

    static Activation activation(FeedForward form) {
        return switch (form) {
            case RELU -> Activation.RELU;
            case GATED_GELU -> Activation.GATED_GELU;
        };
    }
}
