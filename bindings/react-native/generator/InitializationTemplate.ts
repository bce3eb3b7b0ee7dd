{#- Nothing is compared but UniFFI's own version: one number of the core stands for a checksum of each function. -#}
{%- macro initialization(init) %}
function uniffiEnsureInitialized() {
    const contract = nativeModule().{{ init.ffi_contract_version_fn }}();
    if (contract !== {{ init.bindings_contract_version }}) {
        throw new UniffiInternalError.ContractVersionMismatch(contract, {{ init.bindings_contract_version }});
    }
{%- for func in init.initialization_fns %}
    {{ func }}();
{%- endfor %}
}
{%- endmacro %}
