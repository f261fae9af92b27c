package dev.sparkswitch.jobs.bundle;

import dev.sparkswitch.base.DataSize;
import dev.sparkswitch.base.Setting;
import java.util.Optional;

/**
 * The settings of {@code bundle}.
 *
 * @param output the folder that gets the archive, a list of checksums and {@code join.sh}
 * @param nd4j whether ND4J comes along, for hosts without a CUDA card
 * @param training whether the libraries come along that training without Spark needs: Hadoop's client, Arrow, tokenizers
 * @param partSize cuts the archive into files of this size
 * @param compression the preset of xz
 */
public record BundleConfig(
        @Setting(value = "bundle", help = "folder that gets the archive, its checksums and join.sh")
        String output,

        @Setting(value = "false", help = "whether ND4J comes along, for hosts without a CUDA card")
        boolean nd4j,

        @Setting(value = "false", help = "whether training comes along (cluster.place=host), not only its benchmark")
        boolean training,

        @Setting(help = "cut the archive into files of this size, such as 60MiB")
        Optional<DataSize> partSize,

        @Setting(value = "6", help = "preset of xz, 0 (fast) to 9 (small)")
        int compression) {
    private static final long SMALLEST_PART = 1 << 10;

    public BundleConfig {
        if (compression < 0 || compression > 9) {
            throw new IllegalArgumentException("compression is " + compression + ": it lies in 0..9");
        }
        partSize.filter(size -> size.bytes() < SMALLEST_PART).ifPresent(size -> {
            throw new IllegalArgumentException("part-size is " + size + ": it must be at least 1KiB");
        });
    }
}
