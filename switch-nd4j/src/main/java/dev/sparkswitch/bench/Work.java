package dev.sparkswitch.bench;

/**
 * What a kind of operation took.
 *
 * @param count how often it ran
 * @param seconds in all
 * @param flops the arithmetic of its products, two operations for each product of elements
 */
public record Work(int count, double seconds, double flops) {
    Work plus(Work other) {
        return new Work(count + other.count, seconds + other.seconds, flops + other.flops);
    }
}
