package dev.sparkswitch.corpus;

import dev.sparkswitch.base.Choice;
import dev.sparkswitch.base.Setting;
import dev.sparkswitch.base.UserException;
import java.io.Serializable;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * How often each of several sources (corpora or tasks) is drawn from when one stream of examples is made of them: Raffel et
 * al. 2020, section 3.5.2, and {@code rate_num_examples} of T5's code.
 */
@Choice("rates")
public sealed interface Mixture extends Serializable {
    /** Every source in proportion to its examples. */
    Mixture PROPORTIONAL = new Proportional(1, Optional.empty(), 1);

    /**
     * What is mixed.
     *
     * @param name by which rates and errors name it
     * @param examples how many there are, at least 1
     */
    record Source(String name, long examples) {
        public Source {
            if (examples < 1) {
                throw new UserException("The source '" + name + "' has no examples; take it out of the mixture.");
            }
        }
    }

    /** What each source counts beside the others, in their order: positive, in no particular unit. */
    double[] weights(List<Source> sources);

    /**
     * The share of each source, in their order; the sum is 1.
     *
     * @throws UserException if there is no source, if two have the same name, or if one has no weight
     */
    default double[] rates(List<Source> sources) {
        requireDistinct(sources);
        double[] rates = weights(sources);
        double sum = Arrays.stream(rates).sum();
        for (int i = 0; i < rates.length; i++) {
            rates[i] /= sum;
        }
        return rates;
    }

    /**
     * The examples of each source among {@code total} of the mixture: {@code total * rate}, rounded so that they add up to
     * {@code total} (largest remainders, earlier sources first among equal ones).
     */
    default long[] quotas(List<Source> sources, long total) {
        double[] rates = rates(sources);
        long[] quotas = new long[rates.length];
        double[] remainders = new double[rates.length];
        long left = total;
        for (int i = 0; i < rates.length; i++) {
            double exact = total * rates[i];
            quotas[i] = (long) exact;
            remainders[i] = exact - quotas[i];
            left -= quotas[i];
        }
        for (; left > 0; left--) {
            int most = 0;
            for (int i = 1; i < rates.length; i++) {
                most = remainders[i] > remainders[most] ? i : most;
            }
            quotas[most]++;
            remainders[most] = -1;
        }
        return quotas;
    }

    /**
     * How many times each source is gone through while the mixture gives as many examples as {@code passes} times all of
     * its sources have: {@code passes * N * rate / n}, N all examples and n those of the source.
     */
    default double[] passes(List<Source> sources, double passes) {
        double[] rates = rates(sources);
        double all = sources.stream().mapToDouble(Source::examples).sum();
        for (int i = 0; i < rates.length; i++) {
            double times = passes * all * rates[i] / sources.get(i).examples();
            // What is a whole number but for rounding must not leave out an example.
            rates[i] = Math.abs(times - Math.rint(times)) < 1e-9 * times ? Math.rint(times) : times;
        }
        return rates;
    }

    private static void requireDistinct(List<Source> sources) {
        if (sources.isEmpty()) {
            throw new UserException("A mixture of nothing has no rates; name a source.");
        }
        Set<String> names = new LinkedHashSet<>();
        for (Source source : sources) {
            if (!names.add(source.name())) {
                throw new UserException(
                        "Two sources of the mixture are called '" + source.name() + "'; give them different names.");
            }
        }
    }

    private static double weight(Map<String, Double> weights, String name, String remedy) {
        Double weight = weights.get(name);
        if (weight == null) {
            throw new UserException("The mixture has no rate for the source '" + name + "', only for "
                    + String.join(", ", weights.keySet()) + "; " + remedy);
        }
        return weight;
    }

    /**
     * {@code min(n * scale, maximum) ^ (1 / temperature)} for n examples. Temperature 1 mixes in proportion to the
     * examples, a large one nearly equally; T5 caps with a maximum, its artificial size limit K.
     *
     * @param temperature at least 1
     */
    record Proportional(
            @Setting(value = "1", help = "above 1: nearer to equal rates; n examples count n^(1/temperature)")
            double temperature,

            @Setting(help = "no source counts more examples than that; without it there is no limit")
            Optional<Long> maximum,

            @Setting(value = "1", help = "factor on every source's examples before the maximum")
            double scale)
            implements Mixture {
        public Proportional {
            if (!(temperature >= 1 && temperature <= Double.MAX_VALUE)) {
                throw new IllegalArgumentException("temperature " + temperature + " must be 1 or more");
            }
            if (!(scale > 0 && scale <= Double.MAX_VALUE)) {
                throw new IllegalArgumentException("scale " + scale + " must be above 0");
            }
            if (maximum.isPresent() && maximum.get() < 1) {
                throw new IllegalArgumentException("maximum " + maximum.get() + " must be 1 or more");
            }
        }

        @Override
        public double[] weights(List<Source> sources) {
            double limit = maximum.map(Long::doubleValue).orElse(Double.MAX_VALUE);
            return sources.stream()
                    .mapToDouble(source -> Math.min(source.examples() * scale, limit))
                    .map(size -> temperature == 1 ? size : StrictMath.pow(size, 1 / temperature))
                    .toArray();
        }
    }

    /** Rates that are given, in any unit; only their proportions count. */
    record Explicit(
            @Setting(help = "a number for every source by its name; only proportions count")
            Map<String, Double> weights)
            implements Mixture {
        public Explicit {
            weights = new TreeMap<>(weights);
            weights.forEach((name, weight) -> {
                if (!(weight > 0 && weight <= Double.MAX_VALUE)) {
                    throw new IllegalArgumentException("weights." + name + " " + weight + " must be above 0");
                }
            });
        }

        @Override
        public double[] weights(List<Source> sources) {
            for (String name : weights.keySet()) {
                if (sources.stream().noneMatch(source -> source.name().equals(name))) {
                    throw new UserException("The mixture has a rate for '" + name + "', which is no source of it ("
                            + String.join(
                                    ", ", sources.stream().map(Source::name).toList())
                            + "); correct the name.");
                }
            }
            return sources.stream()
                    .mapToDouble(source -> weight(weights, source.name(), "give it one in weights."))
                    .toArray();
        }
    }

    /** The weights that T5 gives to SuperGLUE's tasks, which are the numbers of their training examples. */
    record T5Superglue() implements Mixture {
        /** T5's numbers ({@code super_glue_weighting} of its code), by task. */
        private static final Map<String, Double> WEIGHTS = new TreeMap<>(Map.of(
                "record", 138_854.0,
                "multirc", 27_243.0,
                "boolq", 9_427.0,
                "wic", 5_428.0,
                "rte", 2_490.0,
                "copa", 400.0,
                "wsc", 259.0,
                "cb", 250.0));

        @Override
        public double[] weights(List<Source> sources) {
            return sources.stream()
                    .mapToDouble(source -> weight(
                            WEIGHTS,
                            source.name().toLowerCase(Locale.ROOT),
                            "name sources after SuperGLUE's tasks, or choose explicit rates."))
                    .toArray();
        }
    }
}
