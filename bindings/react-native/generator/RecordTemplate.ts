{#- A record is a plain object, and what has a default may be left out. -#}
{%- import "CallBodyMacros.ts" as cb %}
{%- macro record(rec) %}
{%- if let Some(ds) = rec.docstring %}
{{ ds }}
{%- endif %}
export type {{ rec.ts_name }} = {
{%- for field in rec.fields %}
{%- if let Some(ds) = field.docstring %}
{{ ds }}
{%- endif %}
    readonly {{ field.name }}{% if field.is_optional || field.default_value.is_some() %}?{% endif %}: {{ field.ts_type }};
{%- endfor %}
};

const {{ rec.ffi_converter_name }} = (() => {
    type TypeName = {{ rec.ts_name }};
    class FFIConverter extends AbstractFfiConverterByteArray<TypeName> {
        readFromCursor(c: Cursor): TypeName {
            return {
{%- for field in rec.fields %}
                {{ field.name }}: {{ field.ffi_converter }}.readFromCursor(c),
{%- endfor %}
            };
        }
        writeIntoCursor(value: TypeName, c: Cursor): void {
{%- for field in rec.fields %}
            {{ field.ffi_converter }}.writeIntoCursor(value.{{ field.name }}
{%- if let Some(default) = field.default_value %} ?? {{ default }}{% endif %}, c);
{%- endfor %}
        }
        allocationSize(value: TypeName): number {
            return 0
{%- for field in rec.fields %} + {{ field.ffi_converter }}.allocationSize(value.{{ field.name }}
{%- if let Some(default) = field.default_value %} ?? {{ default }}{% endif %})
{%- endfor %};
        }
    }
    return new FFIConverter();
})();
{%- endmacro %}
