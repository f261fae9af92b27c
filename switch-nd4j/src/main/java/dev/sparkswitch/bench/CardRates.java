package dev.sparkswitch.bench;

import dev.sparkswitch.base.Setting;

/**
 * What a kind of card does in our kernels, as {@code bench step} measured it. Rates are those that whole phases reach, so they
 * hold what a floor leaves out: launches, tails, operands that are read twice.
 *
 * @param memory bytes that a process may hold
 * @param productFlops dense products, operations a second
 * @param expertFlops grouped products where arithmetic bounds them
 * @param expertBytes grouped products where their operands do, bytes a second
 * @param attentionFlops attention, dropout on
 * @param lossFlops the output head and cross-entropy
 * @param elementBytes norms, activations, embeddings, transfers: bytes of operands a second
 * @param routingBytes routers, dispatch and combine
 * @param optimizerBytes the update, the gradients' norm included
 * @param linkBytes out of a card to others of its host
 * @param networkBytes out of a card to other hosts
 * @param latency seconds that an exchange takes whatever its size
 * @param launch seconds that an operation takes whatever its size
 */
public record CardRates(
        @Setting(help = "bytes that a process may hold on the card")
        double memory,

        @Setting(help = "dense products, operations a second")
        double productFlops,

        @Setting(help = "experts' products, operations a second")
        double expertFlops,

        @Setting(help = "experts' products, bytes of operands a second")
        double expertBytes,

        @Setting(help = "attention, operations a second") double attentionFlops,

        @Setting(help = "output head and loss, operations a second")
        double lossFlops,

        @Setting(help = "norms, activations and the like, bytes of operands a second")
        double elementBytes,

        @Setting(help = "routers, dispatch and combine, bytes of operands a second")
        double routingBytes,

        @Setting(help = "the optimizer, bytes of operands a second")
        double optimizerBytes,

        @Setting(help = "from card to card within a host, bytes a second")
        double linkBytes,

        @Setting(help = "from a card to other hosts, bytes a second")
        double networkBytes,

        @Setting(value = "2e-5", help = "seconds that an exchange takes at least")
        double latency,

        @Setting(value = "3e-6", help = "seconds that an operation takes at least")
        double launch) {
    public CardRates {
        double[] rates = {
            memory,
            productFlops,
            expertFlops,
            expertBytes,
            attentionFlops,
            lossFlops,
            elementBytes,
            routingBytes,
            optimizerBytes,
            linkBytes,
            networkBytes
        };
        for (double rate : rates) {
            if (!(rate > 0)) {
                throw new IllegalArgumentException("every rate of a card, and its memory, must be above 0");
            }
        }
    }

    /** Seconds of an operation on a card. */
    double seconds(Phase phase, double flops, double bytes) {
        return switch (phase) {
                    case PRODUCTS -> flops / productFlops;
                    case EXPERTS -> Math.max(flops / expertFlops, bytes / expertBytes);
                    case ATTENTION -> flops > 0 ? flops / attentionFlops : bytes / elementBytes;
                    case LOSS -> flops / lossFlops;
                    case ROUTING -> bytes / routingBytes;
                    case OPTIMIZER -> bytes / optimizerBytes;
                    case NORMS, EMBEDDING, TRANSFERS, COMMUNICATION -> bytes / elementBytes;
                }
                + launch;
    }
}
