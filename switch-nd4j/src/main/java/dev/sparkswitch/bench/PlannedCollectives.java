package dev.sparkswitch.bench;

import dev.sparkswitch.collective.Collectives;
import dev.sparkswitch.collective.Exchange;
import dev.sparkswitch.collective.RankGroup;
import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Moment;
import dev.sparkswitch.engine.Tensor;

/**
 * The first rank's exchanges in a world that is not there, as they would take on cards of given rates: rings inside a host,
 * then between hosts over every card's own network port. Exchanges run one after the other beside the engine's operations, as
 * cards have them, and neither slows the other.
 */
final class PlannedCollectives implements Collectives {
    private final int worldSize;
    private final int cardsAHost;
    private final CardRates rates;
    private final PlannedMeter meter;
    private double wireBytes;
    private double seconds;
    /** When the exchange started last ends, on the engine's clock. */
    private double end;

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

    /** What the first rank's exchanges take, one after the other. */
    double seconds() {
        return seconds;
    }

    /** Forgets what was counted; all of it has been awaited. */
    void clear() {
        wireBytes = 0;
        seconds = 0;
        end = 0;
    }

    private int hosts(RankGroup group) {
        return (int) group.ranks().stream()
                .mapToInt(rank -> rank / cardsAHost)
                .distinct()
                .count();
    }

    private Exchange exchange(double inside, double outside) {
        wireBytes += inside + outside;
        double taken = rates.latency() + inside / rates.linkBytes() + outside / rates.networkBytes();
        seconds += taken;
        end = Math.max(end, meter.seconds()) + taken;
        double own = end;
        return () -> meter.add(Phase.COMMUNICATION, Math.max(0, own - meter.seconds()), 0);
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
    public boolean overlaps() {
        return true;
    }

    @Override
    public boolean takesRowsApart(RankGroup group) {
        return hosts(group) == 1;
    }

    @Override
    public boolean sums(DType type) {
        return type == DType.BFLOAT16 || Collectives.super.sums(type);
    }

    @Override
    public Exchange startAllReduceSum(Tensor data, RankGroup group) {
        if (group.size() == 1) {
            return Exchange.DONE;
        }
        double bytes = MeteredEngine.bytes(data);
        double hosts = hosts(group);
        double together = group.size() / hosts;
        return exchange(2 * bytes * (together - 1) / together, 2 * bytes / together * (hosts - 1) / hosts);
    }

    @Override
    public Exchange startAllToAll(Tensor send, Tensor receive, RankGroup group) {
        double bytes = MeteredEngine.bytes(send);
        double together = group.size() / (double) hosts(group);
        return exchange(bytes * (together - 1) / group.size(), bytes * (group.size() - together) / group.size());
    }

    @Override
    public void broadcast(Tensor data, int root, RankGroup group) {}

    @Override
    public void barrier(RankGroup group) {}

    @Override
    public Moment moment() {
        return Moment.now();
    }
}
