{#- An enum with fields is a union of objects, told apart by `status` in a state and by `type` elsewhere. One that
    the server drives ends with `Unknown`, which holds what the server wrote: it is a union of strings. One that is an
    error is a class made by hand. -#}
{%- import "CallBodyMacros.ts" as cb %}
{%- macro tagged_enum(e) %}
{%- if e.variants[e.variants.len() - 1].name == "Unknown" %}
{%- call open_enum(e) %}
{%- else %}
{%- call closed_union(e) %}
{%- endif %}
{%- endmacro %}

{%- macro tag(e) -%}
{%- if e.ts_name.ends_with("State") -%}status{%- else -%}type{%- endif -%}
{%- endmacro -%}

{%- macro suffix(e) -%}
{%- if e.is_error -%}Case{%- endif -%}
{%- endmacro -%}

{%- macro open_enum(e) %}
{%- if let Some(ds) = e.docstring %}
{{ ds }}
{%- endif %}
export type {{ e.ts_name }} =
{%- for variant in e.variants %}
{%- if let Some(ds) = variant.docstring %}
{{ ds }}
{%- endif %}
{%- if loop.last %}
    | (string & {})
{%- else %}
    | '{{ heck::AsLowerCamelCase(variant.name.as_str()) }}'
{%- endif %}
{%- endfor %};

const {{ e.ffi_converter_name }} = uniffiOpenLiterals([
{%- for variant in e.variants %}
{%- if !loop.last %}
    '{{ heck::AsLowerCamelCase(variant.name.as_str()) }}',
{%- endif %}
{%- endfor %}
], FfiConverterString);
{%- endmacro %}

{%- macro closed_union(e) %}
{%- if let Some(ds) = e.docstring %}
{{ ds }}
{%- endif %}
{% if !e.is_error %}export {% endif %}type {{ e.ts_name }}{% call suffix(e) %} =
{%- for variant in e.variants %}
{%- if let Some(ds) = variant.docstring %}
{{ ds }}
{%- endif %}
    | {
        readonly {% call tag(e) %}: '{{ heck::AsLowerCamelCase(variant.name.as_str()) }}';
{%- for field in variant.fields %}
{%- if let Some(ds) = field.docstring %}
{{ ds }}
{%- endif %}
        readonly {% call cb::field_decl(field) %};
{%- endfor %}
    }
{%- endfor %};

const {{ e.ffi_converter_name }}{% call suffix(e) %} = (() => {
    type TypeName = {{ e.ts_name }}{% call suffix(e) %};
    class FFIConverter extends AbstractFfiConverterByteArray<TypeName> {
        readFromCursor(c: Cursor): TypeName {
            switch (c.readI32()) {
{%- for variant in e.variants %}
                case {{ loop.index }}: return {
                    {% call tag(e) %}: '{{ heck::AsLowerCamelCase(variant.name.as_str()) }}',
{%- for field in variant.fields %}
                    {{ field.name }}: {{ field.ffi_converter }}.readFromCursor(c),
{%- endfor %}
                };
{%- endfor %}
                default: throw new UniffiInternalError.UnexpectedEnumCase();
            }
        }
        writeIntoCursor(value: TypeName, c: Cursor): void {
            switch (value.{% call tag(e) %}) {
{%- for variant in e.variants %}
                case '{{ heck::AsLowerCamelCase(variant.name.as_str()) }}':
                    c.writeI32({{ loop.index }});
{%- for field in variant.fields %}
                    {{ field.ffi_converter }}.writeIntoCursor(value.{{ field.name }}, c);
{%- endfor %}
                    return;
{%- endfor %}
                default: throw new UniffiInternalError.UnexpectedEnumCase();
            }
        }
        allocationSize(value: TypeName): number {
            switch (value.{% call tag(e) %}) {
{%- for variant in e.variants %}
                case '{{ heck::AsLowerCamelCase(variant.name.as_str()) }}':
                    return 4
{%- for field in variant.fields %} + {{ field.ffi_converter }}.allocationSize(value.{{ field.name }})
{%- endfor %};
{%- endfor %}
                default: throw new UniffiInternalError.UnexpectedEnumCase();
            }
        }
    }
    return new FFIConverter();
})();
{%- if e.is_error %}
const {{ e.ffi_converter_name }} = uniffiThrown({{ e.ffi_converter_name }}Case, {{ e.ts_name }});
{%- endif %}
{%- endmacro %}
