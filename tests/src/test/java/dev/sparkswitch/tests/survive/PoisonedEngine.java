package dev.sparkswitch.tests.survive;

import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Tensor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** An engine whose gradients are no numbers for rows whose targets bear {@link Rows#MARK}. */
final class PoisonedEngine {
    private PoisonedEngine() {}

    static Engine of(Engine engine) {
        return (Engine) Proxy.newProxyInstance(
                Engine.class.getClassLoader(), new Class<?>[] {Engine.class}, (proxy, method, arguments) -> {
                    try {
                        Object result = method.invoke(engine, arguments);
                        if (method.getName().equals("tokenLossGradient") && marked(engine, (Tensor) arguments[2])) {
                            engine.fill(((Engine.LossGradient) result).dHidden(), Double.NaN);
                        }
                        return result;
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    /** {@link #of}, of an engine whose optimizer's steps sum squares: a gradient that is no number shows after the update. */
    static Engine thatUpdatesFirst(Engine engine) {
        Engine poisoned = of(engine);
        return (Engine) Proxy.newProxyInstance(
                Engine.class.getClassLoader(), new Class<?>[] {Engine.class}, (proxy, method, arguments) -> {
                    try {
                        return method.getName().equals("stepsSumSquares") ? true : method.invoke(poisoned, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    private static boolean marked(Engine engine, Tensor targets) {
        ByteBuffer ids =
                ByteBuffer.allocateDirect((int) targets.size() * Integer.BYTES).order(ByteOrder.nativeOrder());
        engine.download(targets, ids);
        for (int i = 0; i < targets.size(); i++) {
            if (ids.getInt(i * Integer.BYTES) == Rows.MARK) {
                return true;
            }
        }
        return false;
    }
}
