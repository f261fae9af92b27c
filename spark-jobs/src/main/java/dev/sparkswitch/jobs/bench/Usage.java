package dev.sparkswitch.jobs.bench;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What a stretch of work took of this process: time, processor time of all threads (compiler and collector too) and memory.
 *
 * @param seconds by the clock
 * @param coreSeconds of processor time, which other programs on the host hardly change
 * @param heapBytes the most that each part of the heap held, summed
 * @param residentBytes the most memory that the process held, heap and all else; 0 where the system does not tell
 */
record Usage(double seconds, double coreSeconds, long heapBytes, long residentBytes) {
    private static final OperatingSystemMXBean SYSTEM =
            (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    private static final Path STATUS = Path.of("/proc/self/status");
    private static final Path PEAKS = Path.of("/proc/self/clear_refs");
    private static final double NANOS = 1e9;

    /** Work that may fail in any way. */
    @FunctionalInterface
    interface Work {
        void run() throws Exception;
    }

    static Usage of(Work work) throws Exception {
        System.gc();
        resetPeaks();
        long cpu = SYSTEM.getProcessCpuTime();
        long start = System.nanoTime();
        work.run();
        double seconds = (System.nanoTime() - start) / NANOS;
        double coreSeconds = (SYSTEM.getProcessCpuTime() - cpu) / NANOS;
        return new Usage(seconds, coreSeconds, heapPeak(), residentPeak());
    }

    private static void resetPeaks() {
        ManagementFactory.getMemoryPoolMXBeans().forEach(MemoryPoolMXBean::resetPeakUsage);
        try {
            // Linux: the peak of resident memory starts anew at what is held now.
            Files.writeString(PEAKS, "5");
        } catch (IOException e) {
            // Then the peak is that of the whole process so far.
        }
    }

    private static long heapPeak() {
        long bytes = 0;
        for (MemoryPoolMXBean pool : ManagementFactory.getMemoryPoolMXBeans()) {
            if (pool.getType() == MemoryType.HEAP) {
                bytes += pool.getPeakUsage().getUsed();
            }
        }
        return bytes;
    }

    private static long residentPeak() {
        try {
            for (String line : Files.readAllLines(STATUS)) {
                if (line.startsWith("VmHWM:")) {
                    return Long.parseLong(line.replaceAll("\\D", "")) << 10;
                }
            }
        } catch (IOException e) {
            // Only Linux has it.
        }
        return 0;
    }
}
