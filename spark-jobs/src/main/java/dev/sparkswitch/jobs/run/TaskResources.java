package dev.sparkswitch.jobs.run;

import dev.sparkswitch.base.UserException;
import org.apache.spark.TaskContext;
import org.apache.spark.resource.ResourceInformation;

/** What Spark gave the running task. Apart from {@link RankResources}, which is for hosts without Spark too. */
final class TaskResources {
    /** The resource's name in conf/spark/gpu.conf. */
    private static final String GPU = "gpu";

    private TaskResources() {}

    /** The resources of the running task; the whole machine where there is none. */
    static RankResources ofTask() {
        TaskContext task = TaskContext.get();
        return task == null ? RankResources.wholeMachine() : new RankResources(task.cpus(), card(task));
    }

    /** The task's CUDA card; the first where Spark was not told of cards. */
    private static int card(TaskContext task) {
        ResourceInformation cards = task.resourcesJMap().get(GPU);
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
