package dev.sparkswitch.model;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sparkswitch.base.Configs;
import dev.sparkswitch.engine.Overflow;
import dev.sparkswitch.engine.RouterPrecision;
import java.util.List;
import java.util.Optional;

/**
 * A {@link RouterConfig} in a {@code config.json}: the keys of a job's configuration under {@code sparkswitch.router}, without
 * those that say nothing new. Input jitter, or none, is Hugging Face's {@code router_jitter_noise}.
 */
final class RouterFields {
    private static final String JITTER = "router_jitter_noise";
    private static final String EXPLORATION = "exploration";
    private static final String TYPE = "router_dtype";
    private static final String FLOAT32 = "float32";
    private static final String BFLOAT16 = "bfloat16";

    private RouterFields() {}

    /** The section as {@link Configs} binds it. */
    private record Native(RouterConfig router) {}

    static Optional<RouterConfig> read(JsonFields fields, JsonFields own, Contradictions found) {
        double jitter = fields.number(JITTER, 0.01);
        ObjectNode router = own.section("router");
        boolean hash = router.path("policy").asText().equals("hash");
        if (!hash && !router.has(EXPLORATION)) {
            ObjectNode exploration = router.putObject(EXPLORATION);
            if (jitter == 0) {
                exploration.put("kind", "argmax");
            } else {
                exploration.put("kind", "input-jitter").put("rate", jitter);
            }
        }
        ObjectNode tree = JsonNodeFactory.instance.objectNode();
        tree.set("router", router);
        return found.attempt(
                () -> Configs.load(Native.class, tree, "sparkswitch", List.of()).router());
    }

    /** Hugging Face's {@code router_dtype}: what its router casts its input and weights to, and computes softmax in. */
    static RouterPrecision readPrecision(JsonFields fields, Contradictions found) {
        String type = fields.text(TYPE, FLOAT32);
        found.check(
                type.equals(FLOAT32) || type.equals(BFLOAT16),
                TYPE + " is '" + type + "' but must be '" + FLOAT32 + "' or '" + BFLOAT16 + "'");
        return type.equals(BFLOAT16) ? RouterPrecision.BF16 : RouterPrecision.FLOAT32;
    }

    static void writePrecision(RouterPrecision precision, ObjectNode tree) {
        tree.put(
                TYPE,
                switch (precision) {
                    case FLOAT32 -> FLOAT32;
                    case BF16 -> BFLOAT16;
                });
    }

    /** Hugging Face's field. */
    static void writeHost(RouterConfig router, ObjectNode tree) {
        tree.put(JITTER, router.exploration() instanceof Exploration.InputJitter jitter ? jitter.rate() : 0.0);
    }

    /** The native fields. */
    static ObjectNode write(RouterConfig router) {
        ObjectNode tree = (ObjectNode) Configs.toTree(new Native(router)).get("router");
        if (router.overflow() == Overflow.DROP) {
            tree.remove("overflow");
        }
        Exploration exploration = router.exploration();
        if (exploration instanceof Exploration.InputJitter || exploration instanceof Exploration.Argmax) {
            tree.remove(EXPLORATION);
        }
        return tree;
    }
}
