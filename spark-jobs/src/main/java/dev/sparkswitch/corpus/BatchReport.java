package dev.sparkswitch.corpus;

import org.apache.hadoop.conf.Configuration;

final class BatchReport {
    static void writeIfMissing(
            Configuration hadoop,
            BatchConfig config,
            Vocabulary vocabulary,
            OutputFolder train,
            OutputFolder heldout) {}
}
