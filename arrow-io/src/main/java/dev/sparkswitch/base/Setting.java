package dev.sparkswitch.base;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** A component of a configuration record, as {@link Configs} binds and describes it. */
@Documented
@Target(ElementType.RECORD_COMPONENT)
@Retention(RetentionPolicy.RUNTIME)
public @interface Setting {
    /** The mark of a setting that has no default. */
    String REQUIRED = "\0";

    /** The default, as YAML (for a {@code String} component: the text itself). Without one the setting must be given. */
    String value() default REQUIRED;

    /** What it does, in one line. */
    String help() default "";
}
