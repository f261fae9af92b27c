package dev.sparkswitch.bench;

import dev.sparkswitch.collective.Collectives;
import dev.sparkswitch.collective.RankGroup;
import dev.sparkswitch.engine.Tensor;

/**
 * The first rank's exchanges in a world that is not there, as they would take on cards of given rates: rings inside a host,
 * then between hosts over every card's own network port.
 */
final class PlannedCollectives implements Collectives {
    private final int worldSize;
    private final int cardsAHost;
    private final CardRates rates;
    private final PlannedMeter meter;
    private double wireBytes;

    PlannedCollectives(int worldSize, int cardsAHost, CardRates rates, PlannedMeter meter) {
        this.worldSize = worldSize;
        this.cardsAHost = cardsAHost;
        this.rates = rates;
        this.meter = meter;
    }

    /** Bytes that left the first rank's card. */
    double wireBytes() {
        return wireBytes;
    }

    void clear() {
        wireBytes = 0;
    }

    private int hosts(RankGroup group) {
        return (int) group.ranks().stream()
                .mapToInt(rank -> rank / cardsAHost)
                .distinct()
                .count();
    }

    private void count(double inside, double outside) {
        wireBytes += inside + outside;
        meter.add(
                Phase.COMMUNICATION, rates.latency() + inside / rates.linkBytes() + outside / rates.networkBytes(), 0);
    }

    @Override
    public int rank() {
        return 0;
    }

    @Override
    public int worldSize() {
        return worldSize;
    }

    @Override
    public void allReduceSum(Tensor data, RankGroup group) {
        if (group.size() > 1) {
            double bytes = MeteredEngine.bytes(data);
            double hosts = hosts(group);
            double together = group.size() / hosts;
            count(2 * bytes * (together - 1) / together, 2 * bytes / together * (hosts - 1) / hosts);
        }
    }

    @Override
    public void allToAll(Tensor send, Tensor receive, RankGroup group) {
        double bytes = MeteredEngine.bytes(send);
        double together = group.size() / (double) hosts(group);
        count(bytes * (together - 1) / group.size(), bytes * (group.size() - together) / group.size());
    }

    @Override
    public void broadcast(Tensor data, int root, RankGroup group) {}

    @Override
    public void barrier(RankGroup group) {}
}
