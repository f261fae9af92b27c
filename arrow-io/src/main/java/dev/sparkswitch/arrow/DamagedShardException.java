package dev.sparkswitch.arrow;

/** A shard's bytes are not what they must be; becomes a {@code UserException} where the shard's name is known. */
final class DamagedShardException extends Exception {
    private static final long serialVersionUID = 1L;

    DamagedShardException(String problem) {
        super(problem);
    }
}
