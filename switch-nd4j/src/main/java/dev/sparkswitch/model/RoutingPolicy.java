package dev.sparkswitch.model;

import java.util.Optional;

/** How tokens find their experts. */
public enum RoutingPolicy {
    /** Each token goes to the k experts of the highest probability; all first choices are placed before second ones. */
    TOP_K("top-k");

    private final String key;

    RoutingPolicy(String key) {
        this.key = key;
    }

    /** The policy's name in a configuration. */
    public String key() {
        return key;
    }

    /** The policy of that name, or empty where there is none. */
    public static Optional<RoutingPolicy> find(String key) {
        for (RoutingPolicy policy : values()) {
            if (policy.key.equals(key)) {
                return Optional.of(policy);
            }
        }
        return Optional.empty();
    }
}
