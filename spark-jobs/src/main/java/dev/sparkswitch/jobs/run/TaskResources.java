package dev.sparkswitch.jobs.run;

import dev.sparkswitch.base.UserException;
import org.apache.spark.TaskContext;
import org.apache.spark.resource.ResourceInformation;

/** What Spark gave the running task; outside of a task, the whole machine. */
final class TaskResources {
    /** The resource's name in conf/spark/gpu.conf. */
    private static final String GPU = "gpu";

    private TaskResources() {}

    static int cores() {
        TaskContext task = TaskContext.get();
        return task == null ? Runtime.getRuntime().availableProcessors() : task.cpus();
    }

    /** The task's CUDA card; the first where Spark was not told of cards. */
    static int card() {
        TaskContext task = TaskContext.get();
        ResourceInformation cards = task == null ? null : task.resourcesJMap().get(GPU);
        if (cards == null || cards.addresses().length == 0) {
            return 0;
        }
        String address = cards.addresses()[0];
        try {
            return Integer.parseInt(address);
        } catch (NumberFormatException e) {
            throw new UserException(
                    "Spark's resource gpu has the address '" + address
                            + "': the discovery script must name cards by their numbers, as conf/gpu/discover-gpus.sh does",
                    e);
        }
    }
}
