package dev.sparkswitch.engine.cuda;

/**
 * How long a kind of operation took on the card.
 *
 * @param count how often it ran
 * @param milliseconds in all
 */
public record OperationTime(int count, double milliseconds) {
    OperationTime plus(double more) {
        return new OperationTime(count + 1, milliseconds + more);
    }
}
